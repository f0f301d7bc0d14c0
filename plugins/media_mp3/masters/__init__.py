"""Inspects masters of other formats than MP3: WAV, AIFF, FLAC, and ALAC in MP4. It runs in the child."""
