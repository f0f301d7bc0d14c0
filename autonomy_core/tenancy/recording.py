"""Keeps the record up to date with what a process serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.news import log_problems
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.record_file import RecordUnusable
from autonomy_core.tenancy.settling import Rules, Settled

RECORDED_TOGETHER = 200
"""So many organisations at most are recorded in one transaction, for the sake of memory."""


class Recorder:
    """Records what is in service, so far as this process has read it and the record does not say it.

    Args:
        rules: with the record, if there is one.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._waiting: set[str] = set()
        self._waiting_changes = threading.Lock()
        self._writing = threading.Lock()
        self._problems: tuple[Problem, ...] = ()

    def add(self, ids: Iterable[str]) -> None:
        """Have organisations recorded with the next `write`: as they are in service then, or as lost."""
        with self._waiting_changes:
            self._waiting.update(ids)

    def write(self, now: Callable[[], Settled]) -> None:
        """Record what waits. What cannot be recorded waits on, and is told in the log.

        Args:
            now: gives what is in service.
        """
        # One thread at a time: an older state must not be written after a newer one.
        with self._writing:
            with self._waiting_changes:
                ids, self._waiting = self._waiting, set()
            if self._rules.record is None or not ids:
                return
            settled = now()
            try:
                _record(self._rules.record, ids, settled)
            except RecordUnusable:
                self.add(ids)
            self.tell_of_problems(settled)

    def tell_of_problems(self, settled: Settled) -> None:
        """Log what newly keeps the record from being used."""
        before, self._problems = self._problems, self._rules.problems()
        log_problems(before, self._problems, settled)


def _record(record: TenantRecord, ids: set[str], settled: Settled) -> None:
    lost = ids - settled.versions.keys() - settled.unserved
    known = (settled.versions[name] for name in ids & settled.versions.keys() - settled.missing)
    served = [version for version in known if version.content is not None]
    # Who is refused a host comes after whoever has it: they are recorded in the order of their claims.
    served.sort(key=lambda version: (version.id in settled.refused, version.id))
    for begin in range(0, len(served) or 1, RECORDED_TOGETHER):
        part = served[begin : begin + RECORDED_TOGETHER]
        record.keep([settled.kept(version) for version in part], lost)
    record.refuse(settled.missing)
