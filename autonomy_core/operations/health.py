"""``/health/live`` and ``/health/ready``, for load balancers, supervisors and operators.

Ready means that the server can serve requests: the database answers, row-level security applies to the
application's role, and the tables match the code. Problems that do not prevent requests give ``degraded``,
with status 200. Examples are an invalid file of an organisation whose last valid version stays in service, a
missing worker, or an error that the last online check found. Every client can see the status of each check.
The reasons contain names of files and organisations, so only callers that may see ``/metrics`` see them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.alarms.services import count_alarms
from autonomy_core.db.compatibility import compare
from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.db.outages import MIGRATE, explain_outage
from autonomy_core.db.probe import NoAnswer
from autonomy_core.db.roles import UnsafeRole, check_application_role
from autonomy_core.jobs.rescue import RESCUE_FAILED
from autonomy_core.kernel.copies import WARNING, is_restored_copy
from autonomy_core.kernel.runtime import Runtime, runtime_of
from autonomy_core.operations.doctor import recall
from autonomy_core.operations.metrics import may_see_operations
from autonomy_core.operations.presence import last_seen
from autonomy_core.operations.resources import Health
from autonomy_core.traversal.resources import Root

WORKER_SEEN_WITHIN_S = 60
WORK = "run: autonomy worker"
LOST = (
    "some jobs whose worker died, or that waited for their plugin, cannot be recovered; the worker's log has "
    "the reason, at job.rescue_failed"
)
NO_MAIL = "mail is written into files, and not sent; set autonomy.mail.url, or url in [mail]"
NEVER_LOOKED = "not checked yet; run: autonomy tenants check --online"


class Outcome(StrEnum):
    """The result of a check, from good to bad."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


SEVERITY = list(Outcome)


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its result.

    Attributes:
        name: the check's name.
        outcome: its result.
        detail: problems and remedies, one sentence each.
    """

    name: str
    outcome: Outcome = Outcome.OK
    detail: tuple[str, ...] = ()


def check_readiness(runtime: Runtime) -> list[Check]:
    """Run all checks. They take little longer than `db.probe.ANSWER_WITHIN_S`."""
    return [*_check_database(runtime), check_tenants(runtime), check_online(runtime), check_mail(runtime)]


def _check_database(runtime: Runtime) -> list[Check]:
    """Run the checks that need a connection; without one, return the failed check ``database``."""
    try:
        return runtime.database.ask(_look_at_database, runtime)
    except (SQLAlchemyError, EmbeddedServerError, NoAnswer) as error:
        return [Check("database", Outcome.FAILED, (explain_outage(error),))]


def _look_at_database(connection: Connection, runtime: Runtime) -> list[Check]:
    found = [check_pool(runtime), check_role(connection), check_migrations(connection, runtime)]
    if found[-1].outcome == Outcome.OK:
        found.append(check_worker(connection, runtime.settings.worker_required_within))
        found += check_copy(connection)
        found.append(check_rescue(connection))
        found += check_alarms(connection)
    return found


def check_pool(runtime: Runtime) -> Check:
    """Check that the database answers and that the pool has free connections."""
    if runtime.database.is_exhausted:
        return Check("database", Outcome.DEGRADED, ("all connections are in use; requests wait for one",))
    return Check("database")


def check_role(connection: Connection) -> Check:
    """Check that the application's role cannot bypass row-level security."""
    try:
        check_application_role(connection)
    except UnsafeRole as error:
        return Check("role", Outcome.FAILED, (str(error),))
    return Check("role")


def check_migrations(connection: Connection, runtime: Runtime) -> Check:
    """Check that the tables match the code, or are newer and compatible."""
    found = compare(connection, runtime.components())
    detail = (*found.problems, *([MIGRATE] if found.behind else []))
    return Check("migrations", Outcome.FAILED, detail) if detail else Check("migrations")


def check_copy(connection: Connection) -> list[Check]:
    """Report a restored copy that is not activated."""
    return [Check("copy", Outcome.DEGRADED, (WARNING,))] if is_restored_copy(connection) else []


def check_worker(connection: Connection, required_within_s: int | None) -> Check:
    """Check that a worker has sent a recent heartbeat. Without a worker, failed jobs are not retried.

    Args:
        connection: a connection to the database.
        required_within_s: after how many seconds without a worker the server is not ready; None for never.
    """
    seen = last_seen(connection)
    age = None if seen is None else time.time() - seen
    if age is not None and age < WORKER_SEEN_WITHIN_S:
        return Check("worker")
    since = (
        "no worker has ever been seen" if age is None else f"no worker has been seen for {age:.0f} seconds"
    )
    is_required = required_within_s is not None and (age is None or age > required_within_s)
    return Check("worker", Outcome.FAILED if is_required else Outcome.DEGRADED, (f"{since}; {WORK}",))


def check_rescue(connection: Connection) -> Check:
    """Check that a worker can recover all jobs of dead workers, which it tries each minute."""
    if connection.scalar(text(RESCUE_FAILED)):
        return Check("rescue", Outcome.DEGRADED, (LOST,))
    return Check("rescue")


def check_alarms(connection: Connection) -> list[Check]:
    """Report the number of alarms by organisation and name."""
    found = tuple(
        f"{each.organisation_id}: {each.count} of {each.name}; run: autonomy alarms list "
        f"{each.organisation_id}"
        for each in count_alarms(connection)
    )
    return [Check("alarms", Outcome.DEGRADED, found)] if found else []


def check_tenants(runtime: Runtime) -> Check:
    """Check that the organisations' files are valid."""
    problems = tuple(str(problem) for problem in runtime.tenants.problems())
    return Check("tenants", Outcome.DEGRADED, problems) if problems else Check("tenants")


def check_online(runtime: Runtime) -> Check:
    """Report the stored findings of ``autonomy tenants check --online``. Other servers are not called."""
    known = {each.organisation_id: each for each in recall(runtime.settings.data)}
    served = [known[organisation_id] for organisation_id in runtime.tenants.ids() if organisation_id in known]
    lines = [
        f"{each.organisation_id}: {finding} (seen {each.checked_at})"
        for each in served
        for _, finding in each.findings
        if finding.severity != "info"
    ]
    outcome = Outcome.DEGRADED if any(each.has_errors for each in served) else Outcome.OK
    return Check("online", outcome, tuple(lines) if served else (NEVER_LOOKED,))


def check_mail(runtime: Runtime) -> Check:
    """Report that mail is only written into files. Mail that waits or was given up is an alarm."""
    return Check("mail") if runtime.settings.mail_url else Check("mail", Outcome.OK, (NO_MAIL,))


def live(context: Health, request: Request) -> dict[str, str]:
    """Return 200 while the process responds."""
    return {"status": "live"}


def ready(context: Health, request: Request) -> dict[str, Any]:
    """Return the result of each check, with 503 if one has failed."""
    checks = check_readiness(runtime_of(request.registry))
    worst = max((check.outcome for check in checks), key=SEVERITY.index)
    if worst == Outcome.FAILED:
        request.response.status_int = 503
    described = _describe if may_see_operations(request) else _outcome_only
    return {"status": worst, "checks": {check.name: described(check) for check in checks}}


def _describe(check: Check) -> dict[str, Any]:
    return {"status": check.outcome, **({"detail": list(check.detail)} if check.detail else {})}


def _outcome_only(check: Check) -> dict[str, Any]:
    return {"status": check.outcome}


def includeme(config: Configurator) -> None:
    """Add the views below the root."""
    config.add_child(Root, "health", Health)
    views: dict[str, Callable[..., Any]] = {"live": live, "ready": ready}
    for name, view in views.items():
        config.add_view(
            view,
            context=Health,
            name=name,
            request_method="GET",
            renderer="json",
            http_cache=0,
            permission=NO_PERMISSION_REQUIRED,
        )
