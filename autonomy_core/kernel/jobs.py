"""The declaration of a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate

from autonomy_core.callables import PLAIN, kind_that_does_not_run, parameters, takes

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope


SHORTEST_PERIOD_S = 60


LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Job:
    """A job that the worker runs.

    Attributes:
        name: ``<plugin>.<what it does>``. Names of the core's jobs begin with the feature's name.
        function: called as ``function(scope, **arguments)`` in its own transaction, which commits when the
            function returns. It may run more than once, so it must be idempotent.
        max_attempts: the number of failures after which the job is given up; None for no limit.
        every: for a periodic job, the seconds between two runs, 60 or more. The worker runs it as
            ``function(scope)`` for every organisation that has enabled its plugin; see `turns`.
        plugins: for a periodic job of the core: it runs for every organisation that has enabled one of these
            plugins; None for every organisation.
        kept_because: the reason why operators may not cancel the job, shown to them; None if they may.
    """

    name: str
    function: Callable[Concatenate[TenantScope, ...], None]
    max_attempts: int | None = None
    every: int | None = None
    plugins: frozenset[str] | None = field(default=None, kw_only=True)
    kept_because: str | None = None

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"job {self.name}: a name has {LONGEST_NAME} characters at most")
        kind = kind_that_does_not_run(self.function)
        if kind is not None:
            raise TypeError(f"job {self.name}: its function is {kind}, whose body would never run: {PLAIN}")
        if not callable(self.function):
            raise TypeError(f"job {self.name}: {self.function!r} is no function")
        if taken := {"organisation_id", "in_seconds"} & parameters(self.function):
            raise TypeError(f"job {self.name}: call its argument {taken.pop()!r} something else")
        if self.every is not None and not takes(self.function, 1):
            raise TypeError(f"job {self.name}: with every= its function is given a scope and nothing else")
        if self.every is not None and self.every < SHORTEST_PERIOD_S:
            raise ValueError(
                f"job {self.name}: every={self.every}; write {SHORTEST_PERIOD_S} seconds or more"
            )

    @property
    def owner(self) -> str:
        """The name of the job's plugin, or of the core's feature."""
        return self.name.partition(".")[0]
