"""Tracks that are sold alone, besides their release."""
