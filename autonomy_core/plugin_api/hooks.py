"""The marker of an implementation, and what `register_settings` returns."""

from __future__ import annotations

from autonomy_core.kernel.hooks import ENTRY_POINT_GROUP, PluginSettings, hookimpl

__all__ = [
    "ENTRY_POINT_GROUP",
    "PluginSettings",
    "hookimpl",
]
