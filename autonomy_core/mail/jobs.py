"""The jobs of mail."""

from __future__ import annotations

from autonomy_core.kernel.jobs import Job
from autonomy_core.mail.delivery import deliver_due
from autonomy_core.mail.services import DELIVER, forget_old_mail

HOUR_S = 3600
DAY_S = 24 * HOUR_S

JOBS = (
    Job(DELIVER, deliver_due),
    # Each mail that waits has a job of its own. This finds the mail of a job that an operator cancelled.
    Job("mail.sweep", deliver_due, every=HOUR_S),
    Job("mail.forget_old", forget_old_mail, every=DAY_S),
)
