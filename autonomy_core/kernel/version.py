"""The version of the plugin API."""

from __future__ import annotations

API_VERSION = (2, 0)
"""The version of the plugin API. A breaking change raises the first number, an addition the second.

A plugin that requires a version declares it in its ``plugin.py``, for example ``MINIMUM_API = (2, 0)``. A
server with an older or incompatible version refuses to load it.
"""
