"""The marker of an implementation, and the result of `register_settings`."""

from __future__ import annotations

from autonomy_core.kernel.hooks import ENTRY_POINT_GROUP, PluginSettings, hookimpl

__all__ = [
    "ENTRY_POINT_GROUP",
    "PluginSettings",
    "hookimpl",
]
