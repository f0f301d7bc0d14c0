"""The periodic job that deletes expired keys."""

from __future__ import annotations

from autonomy_core.idempotency.services import purge
from autonomy_core.kernel.jobs import Job

HOUR_S = 3600

JOBS = (Job("idempotency.purge", purge, every=HOUR_S),)
