"""Jobs, for plugins."""

from __future__ import annotations

from autonomy_core.jobs.domain import Job, TryAgain
from autonomy_core.jobs.services import NotDeferrable
from autonomy_core.jobs.services import defer_own as defer

__all__ = ["Job", "NotDeferrable", "TryAgain", "defer"]
