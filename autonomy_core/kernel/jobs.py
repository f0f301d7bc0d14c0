"""A kind of work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate

from autonomy_core.callables import PLAIN, kind_that_does_not_run, parameters, takes

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope


SHORTEST_PERIOD_S = 60


LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work.

    Attributes:
        name: ``<plugin>.<what it does>``; the core's begin with the feature's name.
        function: called as ``function(scope, **arguments)`` in a transaction of its own that is committed when
            it returns. It may run more than once, and must bear it.
        max_attempts: after how many failures it is given up; None for never.
        every: for a periodic job the seconds from one turn to the next, 60 or more. The worker then runs it by itself
            for every organisation that has enabled its plugin, as ``function(scope)``; see `turns`.
        kept_because: why it may not be cancelled, for the operator who tries to; None where it may.
    """

    name: str
    function: Callable[Concatenate[TenantScope, ...], None]
    max_attempts: int | None = None
    every: int | None = None
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
        """The plugin, or the core's feature, whose job it is."""
        return self.name.partition(".")[0]
