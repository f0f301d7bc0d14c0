"""The audit trail, for plugins: actions of staff and of the command line, written in their transaction."""

from __future__ import annotations

from autonomy_core.audit.services import change, record

__all__ = ["change", "record"]
