"""Validation of human-readable texts; `plugin_api.schemas.Text` validates texts from clients."""

from __future__ import annotations

from autonomy_core.texts import UnreadableText, cleaned, is_visible, readable

__all__ = ["UnreadableText", "cleaned", "is_visible", "readable"]
