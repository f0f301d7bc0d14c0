"""The request's transaction, for plugins: to end it before long work."""

from __future__ import annotations

from autonomy_core.db.request_transactions import commit_early

__all__ = ["commit_early"]
