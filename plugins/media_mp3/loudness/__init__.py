"""Loudness: how loud tracks and releases are (EBU R128), and the gain that makes them equally loud.

The worker measures each master once, with ffmpeg. `domain` computes the loudness of a release from that.
"""
