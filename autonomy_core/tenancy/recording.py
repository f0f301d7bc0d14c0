"""Updates the record with what a process serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.news import log_problems
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.record_file import RecordUnusable
from autonomy_core.tenancy.settling import Rules, ServedVersions

BATCH_SIZE = 200
"""The maximum number of organisations in one transaction, which limits memory."""


class Recorder:
    """Records what is in service, for files that this process has read.

    Args:
        rules: the rules, which contain the record if there is one.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._pending: set[str] = set()
        self._pending_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._problems: tuple[Problem, ...] = ()

    def add(self, ids: Iterable[str]) -> None:
        """Add organisations to the next `write`. It records their state at that time."""
        with self._pending_lock:
            self._pending.update(ids)

    def write(self, now: Callable[[], ServedVersions]) -> None:
        """Record all pending organisations. If that fails, they stay pending, and the problem is logged.

        Args:
            now: returns what is in service.
        """
        # One thread at a time, so that an older state is never written after a newer one.
        with self._write_lock:
            with self._pending_lock:
                ids, self._pending = self._pending, set()
            if self._rules.record is None or not ids:
                return
            settled = now()
            try:
                _record(self._rules.record, ids, settled)
            except RecordUnusable:
                self.add(ids)
            self.log_changed_problems(settled)

    def log_changed_problems(self, settled: ServedVersions) -> None:
        """Log new problems that prevent use of the record."""
        before, self._problems = self._problems, self._rules.problems()
        log_problems(before, self._problems, settled)


def _record(record: TenantRecord, ids: set[str], settled: ServedVersions) -> None:
    lost = ids - settled.versions.keys() - settled.unserved
    known = (settled.versions[name] for name in ids & settled.versions.keys() - settled.missing)
    served = [version for version in known if version.content is not None]
    # The order of recording decides disputes about hosts, so record owners of hosts before refused claimants.
    served.sort(key=lambda version: (version.id in settled.refused, version.id))
    for begin in range(0, len(served) or 1, BATCH_SIZE):
        part = served[begin : begin + BATCH_SIZE]
        record.keep([settled.kept(version) for version in part], lost)
    record.refuse(settled.missing)
