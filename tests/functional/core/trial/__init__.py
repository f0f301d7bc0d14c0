"""A plugin for the tests of what every plugin's views get from the core."""
