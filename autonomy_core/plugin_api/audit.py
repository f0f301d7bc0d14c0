"""The audit trail, for plugins: what staff or the command line do is recorded with the act itself."""

from __future__ import annotations

from autonomy_core.audit.services import record

__all__ = ["record"]
