"""The ``autonomy`` command: one module for each group, imported when it is used."""
