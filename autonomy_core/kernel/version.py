"""The version of the plugin API."""

from __future__ import annotations

API_VERSION = (1, 0)
"""The version of all this. The first number rises when a plugin may have to be changed, the second when something is added.

A plugin that needs a certain one says so in its ``plugin.py``, ``MINIMUM_API = (1, 0)``, and is refused where it is not met.
"""
