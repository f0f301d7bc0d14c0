"""What may be in a text that people read; what clients send is checked by `plugin_api.schemas.Text`."""

from __future__ import annotations

from autonomy_core.texts import UnreadableText, cleaned, is_visible, readable

__all__ = ["UnreadableText", "cleaned", "is_visible", "readable"]
