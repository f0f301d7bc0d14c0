"""The ``autonomy`` command: one module for each group, imported on use."""
