"""Jobs, for plugins."""

from __future__ import annotations

from autonomy_core.jobs.services import NotDeferrable
from autonomy_core.jobs.services import defer_own as defer
from autonomy_core.jobs.services import defer_own_again as defer_again
from autonomy_core.jobs.services import defer_own_once as defer_once
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.retries import TryAgain

__all__ = ["Job", "NotDeferrable", "TryAgain", "defer", "defer_again", "defer_once"]
