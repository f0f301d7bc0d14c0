"""The plugin's implementations of the core's hooks."""
