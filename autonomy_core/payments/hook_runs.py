"""Runs the hooks about a payment, each guarded by itself, and records the results.

An error of a hook undoes its own work only. It is recorded, and a job runs the hook again until it succeeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.base import utcnow
from autonomy_core.jobs.failures import described
from autonomy_core.kernel.manager import Implementation
from autonomy_core.kernel.scope import TenantScope, transaction_of
from autonomy_core.payments import journal
from autonomy_core.payments.models import HookRun, ReversalHookRun

log = structlog.get_logger(__name__)

COMPLETED_HOOK = "on_payment_completed"


@dataclass(frozen=True, slots=True)
class Run:
    """One plugin's hook about a payment, or about a part of it.

    Attributes:
        payment_id: the payment.
        plugin: the plugin.
        hook: the name of the hook.
        subject: tells the calls of the same hook for one payment apart; empty for a hook that is called once.
    """

    payment_id: UUID
    plugin: str
    hook: str = COMPLETED_HOOK
    subject: str = ""

    @property
    def key(self) -> dict[str, Any]:
        """The columns of its row that identify it, without the organisation."""
        key: dict[str, Any] = {"payment_id": self.payment_id, "plugin": self.plugin}
        return key if self.hook == COMPLETED_HOOK else key | {"hook": self.hook, "subject": self.subject}


def _recording(model: type[HookRun | ReversalHookRun]) -> Any:
    # "raw" sends the statement as it is, without the ORM's processing for inserts of many rows.
    run = insert(model).execution_options(dml_strategy="raw")
    return run.on_conflict_do_update(
        index_elements=[column.name for column in model.__table__.primary_key],
        set_={
            "outcome": run.excluded.outcome,
            "last_error": run.excluded.last_error,
            "updated_at": run.excluded.updated_at,
            "attempts": model.attempts + 1,
        },
    ).returning(model.attempts)


_RECORD = {model: _recording(model) for model in (HookRun, ReversalHookRun)}


def model_of(run: Run) -> type[HookRun | ReversalHookRun]:
    """Return the table of a run's results."""
    return HookRun if run.hook == COMPLETED_HOOK else ReversalHookRun


def find_run(scope: TenantScope, run: Run) -> HookRun | ReversalHookRun | None:
    """Return the recorded result of a run, or None."""
    key = {"organisation_id": scope.organisation.id, **run.key}
    if run.hook == COMPLETED_HOOK:
        return scope.session.get(HookRun, key)
    return scope.session.get(ReversalHookRun, key)


def call_guarded(scope: TenantScope, implementation: Implementation, event: Any) -> BaseException | None:
    """Call one plugin's hook; return the error that it raised, or None.

    In a session the hook runs in a savepoint, so that an error undoes only its own changes. A
    `DriverTransaction` has no savepoint: the caller must roll back the whole transaction.

    Raises:
        DBAPIError: the connection to the database is lost, which is not a failure of the hook.
    """
    transaction = transaction_of(scope)
    assert transaction is not None  # noqa: S101 - for the type checker: a payment is settled in a transaction
    try:
        with transaction.forbid_commit():
            implementation(event=event)
    except (Exception, SystemExit) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        return error
    return None


def record_run(scope: TenantScope, run: Run, error: BaseException | None) -> None:
    """Record the result of a hook in its table and, after a failure, in the payment's journal.

    Args:
        scope: the organisation.
        run: the run.
        error: the error that the hook raised, or None.
    """
    described_error = None if error is None else described(error)
    values = {
        "organisation_id": scope.organisation.id,
        **run.key,
        "outcome": "failed" if error else "succeeded",
        "last_error": described_error,
        "updated_at": utcnow(),
        "attempts": 1,
    }
    attempts: int = scope.session.execute(_RECORD[model_of(run)], values).scalar_one()
    if error is not None:
        log.error(
            "payment.hook_failed",
            payment_id=str(run.payment_id),
            plugin=run.plugin,
            hook=run.hook,
            exc_info=error,
        )
        # The table contains the last run only; the journal contains each failure.
        detail = {"plugin": run.plugin, "attempts": attempts, "error": described_error}
        if run.subject:
            detail |= {"hook": run.hook, "subject": run.subject}
        journal.append(scope, run.payment_id, "hook_failed", **detail)
