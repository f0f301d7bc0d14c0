"""The revisions of the core's tables."""
