"""The audit trail, for plugins."""

from __future__ import annotations

from autonomy_core.audit.services import record

__all__ = ["record"]
