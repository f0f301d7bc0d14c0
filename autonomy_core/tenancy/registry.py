"""Keeps the organisations of a directory in service, and updates them when their files change.

`watch` finds changed files, `loader` parses and validates a file, and `settling` decides what is in service.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import structlog

from autonomy_core.tenancy.domain import Organisation, Problem, Version
from autonomy_core.tenancy.files import FRESH_NS
from autonomy_core.tenancy.index import TenantIndex
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader, text_of
from autonomy_core.tenancy.news import changed, log_changes, log_problems
from autonomy_core.tenancy.periodic_thread import PeriodicThread
from autonomy_core.tenancy.reading import UNFINISHED_NS
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.recording import Recorder
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules, ServedVersions, Settler
from autonomy_core.tenancy.texts import ACCEPT_MAIL, MailChecks
from autonomy_core.tenancy.watch import WatchedDirectory

log = structlog.get_logger(__name__)

KEPT = 256
"""The size of the cache of organisations. An evicted organisation is made again from its version."""

INDEX_EVERY_S = 10.0
"""The minimum time between two writes of the index, in seconds."""

READ_AHEAD_SHARE = 0.1
"""The share of its time that the thread spends on reading files that are known from the index only."""


class TenantRegistry:
    """The organisations in service.

    The registry reads the directory at first use. After `start()`, a thread checks for changes every
    ``poll_seconds``. A change takes effect for one organisation at once and as a whole. If a file has
    problems, the version in service stays, and the problems are logged. Any thread may call the methods.

    A file that matches the index is read when its organisation is first requested, or later by the thread. So
    the start does not have to wait for it. See docs/decisions/0018.

    Args:
        directory: the directory of the organisations' files.
        plugin_schemas: the schemas of the installed plugins.
        poll_seconds: the time between two checks, in seconds.
        index: the path of the index file, which speeds up the next start; None for no index.
        rules: the rules for what is in service. Only a registry with a running thread writes their record.
        mail_checks: what mail adds to the schemas.
        kept: see `KEPT`.
        index_every_s: see `INDEX_EVERY_S`.
        fresh_ns: see `files.FRESH_NS`.
        unfinished_ns: see `reading.UNFINISHED_NS`.
    """

    def __init__(
        self,
        directory: Path,
        plugin_schemas: PluginSchemas,
        poll_seconds: float = 1.0,
        index: Path | None = None,
        rules: Rules | None = None,
        *,
        mail_checks: MailChecks = ACCEPT_MAIL,
        kept: int = KEPT,
        index_every_s: float = INDEX_EVERY_S,
        fresh_ns: int = FRESH_NS,
        unfinished_ns: int = UNFINISHED_NS,
    ) -> None:
        loader = TenantLoader(plugin_schemas, mail_checks, unfinished_ns)
        self._rules = rules or Rules()
        self._settler = Settler(directory, self._rules, loader.make)
        self._make = lru_cache(kept)(loader.make)
        tenant_index = TenantIndex(index, directory, plugin_schemas) if index else None
        self._watched = WatchedDirectory(directory, loader, tenant_index, fresh_ns)
        self._recorder = Recorder(self._rules)
        self._thread = PeriodicThread(self._update_and_write, poll_seconds, "tenant-registry")
        self._snapshot: ServedVersions | None = None
        self._index_every_s = index_every_s
        self._index_due = 0.0
        self._index_problem: str | None = None
        self._first_read_lock = threading.Lock()
        self._update_lock = threading.Lock()

    def get(self, organisation_id: str) -> Organisation | None:
        """Return the organisation in service with this id."""
        return self._organisation(self._version_of(organisation_id))

    def by_host(self, host: str) -> Organisation | None:
        """Return the organisation of a Host header. An entry with the port wins over one without."""
        return self._organisation(self._version(lambda snapshot: snapshot.by_host(host)))

    def is_known(self, organisation_id: str) -> bool:
        """Whether the organisation exists, even if it cannot be served now."""
        snapshot = self._now()
        return organisation_id in snapshot.versions or organisation_id in snapshot.unserved

    def is_known_host(self, host: str) -> bool:
        """Whether the host belongs to an organisation, even if it cannot be served now."""
        return self._now().by_host(host) is not None

    def ids(self) -> tuple[str, ...]:
        """Return the sorted ids of the organisations in service."""
        return tuple(self._now().versions)

    def plugins_of(self, organisation_id: str) -> tuple[str, ...]:
        """Return the plugins of an organisation; none if it is not in service. Does not read its file."""
        version = self._now().versions.get(organisation_id)
        return version.plugins if version else ()

    def ids_with_secret(self, secret: Secret) -> Iterator[str]:
        """Yield the ids of organisations whose files contain a secret. There may be false positives.

        It searches the stored texts, because making thousands of organisations would take seconds.
        """
        needle = json.dumps(secret.reveal(), ensure_ascii=False)[1:-1].encode()
        for organisation_id in self.ids():
            version = self._version_of(organisation_id)
            if version is not None and version.content is not None and needle in text_of(version):
                yield organisation_id

    def problems(self) -> tuple[Problem, ...]:
        """Return all current problems, including those of files whose older version is still in service."""
        return (*self._now().problems, *self._rules.problems())

    def reload(self, *, accept_losses: bool = False) -> None:
        """Check for changes now, in this thread. Signal handlers must use `wake` instead.

        Args:
            accept_losses: remove all organisations whose files are gone from service, and record that now.
        """
        self._look(immediately=True, accept_losses=accept_losses)
        if accept_losses:
            self._write_record()

    def wake(self) -> None:
        """Let the thread check for changes now. This takes no lock, so signal handlers may call it."""
        self._thread.wake()

    def start(self) -> None:
        """Start the thread. Call it after forking, because threads do not survive a fork."""
        self._now()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it. The organisations stay in service."""
        self._thread.stop()

    def _organisation(self, version: Version | None) -> Organisation | None:
        if version is None or version.content is None:
            return None
        made = self._make(version)
        return made and made.without_hosts(self._now().refused.get(version.id, ()))

    def _version_of(self, organisation_id: str) -> Version | None:
        return self._version(lambda snapshot: snapshot.versions.get(organisation_id))

    def _version(self, find: Callable[[ServedVersions], Version | None]) -> Version | None:
        """Find a version, reading its file if needed. Then look again: the file may differ from the index."""
        looked_at, version = None, find(self._now())
        while version is not None and version.content is None and version is not looked_at:
            self._read_unread(version.id)
            looked_at, version = version, find(self._now())
        if version is not None and version.content is None and self._rules.record is not None:
            # Its file is gone or cannot be read, so use the recorded content.
            version = self._recall(version, self._rules.record)
        return version

    def _recall(self, version: Version, record: TenantRecord) -> Version:
        """The version with its recorded content, if the record has it."""
        content = record.content(version.id)
        if content is None:
            return version
        recalled = replace(version, content=content)
        with self._update_lock:
            self._watched.add_content_of(recalled)
            self._snapshot = self._now().with_contents([recalled])
        return recalled

    def _now(self) -> ServedVersions:
        """What is in service. The first call reads the directory."""
        if self._snapshot is None:
            with self._first_read_lock:
                if self._snapshot is None:
                    self._snapshot = self._read_first()
        return self._snapshot

    def _read_first(self) -> ServedVersions:
        self._watched.read_index()
        self._watched.read_changes(immediately=True)
        self._watched.take_read_versions()
        if self._rules.record is not None:
            # Remember the record's current state, so that later checks only report changes.
            self._rules.record.has_changed()
            self._rules.record.has_gone_back()
        first = self._settle(None)
        read = {name for name, version in first.versions.items() if version.content is not None}
        self._recorder.add(read | first.lost | first.missing)
        log_problems((), first.problems, first)
        self._recorder.log_changed_problems(first)
        log.info(
            "tenants_loaded",
            organisations=len(first.versions),
            known_from_index=len(first.versions) - len(read),
        )
        return first

    def _update_and_write(self) -> None:
        try:
            if not self._thread.is_stopping:
                self._look(immediately=False)
                self._read_ahead()
            self._write_record()
            self._write_index()
        except Exception as error:  # noqa: BLE001 - the thread must survive any error
            # No traceback, because the exception may quote a tenant's file.
            log.error("tenants_not_reloaded", error=type(error).__name__)  # noqa: TRY400

    def _read_ahead(self) -> None:
        """Read some of the files that are known from the index only.

        Until a file was read, there is no last good version for the case that a later edit breaks it.
        """
        until = time.monotonic() + READ_AHEAD_SHARE * self._thread.seconds
        unread = self._watched.unread
        while unread and not self._thread.is_stopping and time.monotonic() < until:
            self._read_unread(unread.pop())

    def _write_index(self) -> None:
        if time.monotonic() < self._index_due or not self._watched.differs_from_index:
            return
        self._index_due = time.monotonic() + self._index_every_s
        before, self._index_problem = self._index_problem, None
        try:
            with self._update_lock:
                self._watched.write_index()
        except OSError as error:
            self._index_problem = error.strerror or type(error).__name__
            if self._index_problem != before:
                log.warning("tenant_index_not_written", file=error.filename, reason=self._index_problem)

    def _write_record(self) -> None:
        self._recorder.write(self._now)

    def _look(self, *, immediately: bool, accept_losses: bool = False) -> None:
        def read() -> bool:
            record_changed = self._record_has_changed()
            lost = self._rules.record.losses() if self._rules.record and record_changed else ()
            files_changed = self._watched.read_changes(immediately=immediately, lost=lost)
            return files_changed or record_changed or accept_losses

        self._update(read, accept_losses=accept_losses)

    def _record_has_changed(self) -> bool:
        """Whether other processes or an operator changed the record, so that the result may differ."""
        record = self._rules.record
        if record is None or not record.has_changed():
            return False
        versions = self._now().versions
        # Not all versions: processes that read a file differently would forever change each other's record.
        self._recorder.add(versions if record.has_gone_back() else record.unknown(versions))
        return True

    def _read_unread(self, organisation_id: str) -> None:
        self._update(lambda: self._watched.read_unread(organisation_id))
        # Afterwards, because what is recorded is what is in service.
        self._recorder.add([organisation_id])

    def _update(self, read: Callable[[], bool], *, accept_losses: bool = False) -> None:
        """Read something under the lock. If it changed, decide again."""
        self._now()
        with self._update_lock:
            before = self._now()
            is_different, read_versions = read(), self._watched.take_read_versions()
            if not is_different:
                self._snapshot = before.with_contents(read_versions)
                return
            after = self._snapshot = self._settle(before, accept_losses=accept_losses)
            ids = changed(before, after)
            replaced = [
                name for name, each in after.versions.items() if before.versions.get(name) is not each
            ]
            self._recorder.add((*ids, *replaced, *after.lost, *after.missing))
        log_problems(before.problems, after.problems, after)
        log_changes(ids, after)

    def _settle(self, before: ServedVersions | None, *, accept_losses: bool = False) -> ServedVersions:
        files, problem = self._watched.files(), self._watched.problem
        return self._settler.settle(files, before, problem, accept_losses=accept_losses)
