"""What a check of a running organisation finds: more than its file can tell."""

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
"""How bad a finding is: with an error something does not work, with a warning it may not, information is no fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: stable, for machines: lower-case words joined by underscores.
        severity: ``error``: something does not work, or soon will not; ``warning``: somebody should look;
            ``info``: good to know.
        message: what was found, in a sentence without a full stop, without secrets.
        remedy: what to do about it; empty only for ``info``.
        subject: what it is about where there are several, for example ``test`` or ``live``.
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
    """What a look finds; if it raises, what it had found until then, and that it raised.

    Args:
        name: what is looked at, for the log and the message.
        findings: the look, usually a generator.
        passing: errors that are the caller's to handle.

    Raises:
        OUTAGES: the database is away; that is no fault of the look's, and every other one would say the same.
    """
    left_to_the_caller: tuple[type[Exception], ...] = (*OUTAGES, *passing)
    try:
        yield from findings
    except left_to_the_caller:
        raise
    except RestoredCopy:
        message = (
            f"{name} was not looked at: this server is a restored copy, which calls nobody with a live key"
        )
        yield Finding("restored_copy", "warning", message, ACTIVATE)
    except Exception as error:
        # Not what the error says: it may quote a key.
        log.exception("check.failed", check=name)
        message = f"{name} raised {type(error).__name__}"
        remedy = "look into the log; without the database's fault, report it to the plugin's author"
        yield Finding("check_failed", "error", message, remedy)


@dataclass(frozen=True, slots=True)
class OrganisationCheck:
    """A look at one organisation, which may ask other servers.

    Attributes:
        name: ``<plugin>.<what it looks at>``.
        function: called with a scope in a transaction of its own. Ask others before you ask the database: a
            connection is taken with the first statement, and held to the end.
        is_offline: whether it looks at settings only. Then it is also run without ``--online``, and for drafts, with a
            scope that is in no transaction.
    """

    name: str
    function: Callable[[TenantScope], Iterable[Finding]]
    is_offline: bool = False

    def __post_init__(self) -> None:
        if is_async(self.function):
            raise TypeError(f"check {self.name}: its function is async, and would never run: write def")
        if not callable(self.function) or not takes(self.function, 1):
            raise TypeError(f"check {self.name}: {self.function!r} is no function that takes a scope")
