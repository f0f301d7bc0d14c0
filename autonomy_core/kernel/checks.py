"""Checks of running organisations, and their findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog

from autonomy_core.callables import is_async, takes
from autonomy_core.db.outages import OUTAGES
from autonomy_core.kernel.copies import ACTIVATE, RestoredCopy

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

Severity = Literal["error", "warning", "info"]
"""``error``: something does not work; ``warning``: something may not work; ``info``: no problem."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a check.

    Attributes:
        code: a stable code for machines: lower-case words joined by underscores.
        severity: ``error``: something does not work, or soon will not; ``warning``: an operator should look
            at it; ``info``: no problem.
        message: a sentence without a full stop and without secrets.
        remedy: what to do about it; empty only for ``info``.
        subject: what it concerns if there are several objects, for example ``test`` or ``live``.
    """

    code: str
    severity: Severity
    message: str
    remedy: str = ""
    subject: str = ""

    def __str__(self) -> str:
        about = f"{self.subject}: " if self.subject else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.severity}: {self.code}: {about}{self.message}{remedy}"


def as_far_as_found(
    name: str, findings: Iterable[Finding], *, passing: tuple[type[Exception], ...] = ()
) -> Iterator[Finding]:
    """Yield the findings of a check. If the check raises, add a finding about that.

    Args:
        name: the name of the check, for the log and the message.
        findings: the findings, usually a generator.
        passing: exceptions to pass on to the caller.

    Raises:
        OUTAGES: the database is unavailable. All checks would fail for this reason, so it is no finding.
    """
    left_to_the_caller: tuple[type[Exception], ...] = (*OUTAGES, *passing)
    try:
        yield from findings
    except left_to_the_caller:
        raise
    except RestoredCopy:
        message = (
            f"{name} was not checked: this server is a restored copy, which calls no server with a live key"
        )
        yield Finding("restored_copy", "warning", message, ACTIVATE)
    except Exception as error:
        # Without the exception's message, which may quote a key.
        log.exception("check.failed", check=name)
        message = f"{name} raised {type(error).__name__}"
        remedy = "look into the log; without the database's fault, report it to the plugin's author"
        yield Finding("check_failed", "error", message, remedy)


@dataclass(frozen=True, slots=True)
class OrganisationCheck:
    """A check of one organisation. It may call other servers.

    Attributes:
        name: ``<plugin>.<what it checks>``.
        function: called with a scope in its own transaction. Call other servers before the first query,
            because the query takes a database connection that is held until the end.
        is_offline: whether it checks settings only. Then it also runs without ``--online``, and for drafts,
            with a scope in no transaction.
    """

    name: str
    function: Callable[[TenantScope], Iterable[Finding]]
    is_offline: bool = False

    def __post_init__(self) -> None:
        if is_async(self.function):
            raise TypeError(f"check {self.name}: its function is async, and would never run: write def")
        if not callable(self.function) or not takes(self.function, 1):
            raise TypeError(f"check {self.name}: {self.function!r} is no function that takes a scope")
