"""Keeps the organisations of a directory in service, and up to date while their files change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import structlog

from autonomy_core.tenancy.domain import Organisation, Problem, Version
from autonomy_core.tenancy.index import TenantIndex
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader, text_of
from autonomy_core.tenancy.news import Listener, Listeners, changed, log_problems
from autonomy_core.tenancy.periodic_thread import PeriodicThread
from autonomy_core.tenancy.recording import Recorder
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules, Settled, Settler
from autonomy_core.tenancy.watch import WatchedDirectory

log = structlog.get_logger(__name__)

KEPT = 256
"""How many organisations are kept as they were made. One that nobody has asked for lately is made again."""

INDEX_EVERY_S = 10.0
"""So often at most the index is written."""

READING_AHEAD = 0.1
"""The share of its time that the thread reads files that are known from the index alone."""


class TenantRegistry:
    """The organisations in service.

    Looks at the directory when it is made. After `start()` a thread looks for changes every `poll_seconds`.
    A change takes effect for one organisation at once and as a whole; a file with problems leaves the version
    in service untouched and is logged. Every method may be called from any thread.

    A file that is as the index says is read when its organisation is first asked for, and otherwise by and by, by
    the thread: nobody waits for it at the start. See docs/decisions/0018.

    Args:
        index: a file in which to keep what finds the organisations, for the next process; None for none.
        rules: by what is decided what is in service. Only a registry whose thread was started writes their record.
    """

    def __init__(
        self,
        directory: Path,
        plugin_schemas: PluginSchemas,
        poll_seconds: float = 1.0,
        index: Path | None = None,
        rules: Rules | None = None,
    ) -> None:
        loader = TenantLoader(plugin_schemas)
        self._rules = rules or Rules()
        self._settler = Settler(directory, self._rules, loader.make)
        self._make = lru_cache(KEPT)(loader.make)
        tenant_index = TenantIndex(index, directory, plugin_schemas) if index else None
        self._watched = WatchedDirectory(directory, loader, tenant_index)
        self._recorder = Recorder(self._rules)
        self._listeners = Listeners()
        self._thread = PeriodicThread(self._update_and_write, poll_seconds, "tenant-registry")
        self._snapshot: Settled | None = None
        self._index_due = 0.0
        self._index_problem: str | None = None
        self._beginning = threading.Lock()
        self._looking = threading.Lock()

    def get(self, organisation_id: str) -> Organisation | None:
        """Return the organisation in service under this id."""
        return self._organisation(self._version_of(organisation_id))

    def by_host(self, host: str) -> Organisation | None:
        """Return the organisation of a Host header: that of the name with its port, or else of the name."""
        return self._organisation(self._version(lambda snapshot: snapshot.by_host(host)))

    def is_known(self, organisation_id: str) -> bool:
        """Whether there is such an organisation, if perhaps none that can be served now."""
        snapshot = self._now()
        return organisation_id in snapshot.versions or organisation_id in snapshot.unserved

    def is_known_host(self, host: str) -> bool:
        """Whether a host is an organisation's, if perhaps of one that cannot be served now."""
        return self._now().by_host(host) is not None

    def ids(self) -> tuple[str, ...]:
        """Return the ids of the organisations in service, sorted."""
        return tuple(self._now().versions)

    def plugins_of(self, organisation_id: str) -> tuple[str, ...]:
        """Return the plugins that an organisation uses, none if it is not in service. Cheaper than to `get` it."""
        version = self._now().versions.get(organisation_id)
        return version.plugins if version else ()

    def knowing(self, secret: Secret) -> Iterator[str]:
        """Yield the ids of organisations whose files have this secret among their values, and perhaps of some more.

        It is for who looks for one among thousands: to make them all for that would take seconds.
        """
        needle = json.dumps(secret.reveal(), ensure_ascii=False)[1:-1].encode()
        for organisation_id in self.ids():
            version = self._version_of(organisation_id)
            if version is not None and version.content is not None and needle in text_of(version):
                yield organisation_id

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the files now, also where an older version is still in service."""
        return (*self._now().problems, *self._rules.problems())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the id of each organisation that was added, changed or removed, afterwards.

        It is called in the thread that noticed. Returns a function that ends the subscription.
        """
        self._now()
        return self._listeners.add(listener)

    def reload(self, *, accept_losses: bool = False) -> None:
        """Look for changes now, in this thread. In a signal handler use `wake`.

        Args:
            accept_losses: let all organisations go whose files are gone, however many they are, and record that now.
        """
        self._look(at_once=True, accept_losses=accept_losses)
        if accept_losses:
            self._write_record()

    def wake(self) -> None:
        """Let the thread look now. Waits for no lock of ours, so a signal handler may call it."""
        self._thread.wake()

    def start(self) -> None:
        """Start the thread. Call it after forking: a thread does not survive a fork."""
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

    def _version(self, find: Callable[[Settled], Version | None]) -> Version | None:
        """What is found, its file having been read: it may say something else than the index."""
        looked_at, version = None, find(self._now())
        while version is not None and version.content is None and version is not looked_at:
            self._read_unread(version.id)
            looked_at, version = version, find(self._now())
        if version is not None and version.content is None and self._rules.record is not None:
            # Its file is gone, or cannot be read.
            version.content = self._rules.record.content(version.id)
        return version

    def _now(self) -> Settled:
        """What is in service; reads the directory if nobody has yet."""
        if self._snapshot is None:
            with self._beginning:
                if self._snapshot is None:
                    self._snapshot = self._read_first()
        return self._snapshot

    def _read_first(self) -> Settled:
        self._watched.read_index()
        self._watched.read_changes(at_once=True)
        if self._rules.record is not None:
            # What the record says now is no news later.
            self._rules.record.has_changed()
            self._rules.record.has_gone_back()
        first = self._settle(None)
        read = {name for name, version in first.versions.items() if version.content is not None}
        self._recorder.add(read | first.lost | first.missing)
        log_problems((), first.problems, first)
        self._recorder.tell_of_problems(first)
        log.info(
            "tenants_loaded",
            organisations=len(first.versions),
            known_from_index=len(first.versions) - len(read),
        )
        return first

    def _update_and_write(self) -> None:
        try:
            if not self._thread.is_stopping:
                self._look(at_once=False)
                self._read_ahead()
            self._write_record()
            self._write_index()
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever this was
            # No traceback: what the exception says may come from a tenant's file.
            log.error("tenants_not_reloaded", error=type(error).__name__)  # noqa: TRY400

    def _read_ahead(self) -> None:
        """Read some of the files that are known from the index alone.

        Until a file has been read, there is no last good version to fall back to when somebody breaks it.
        """
        until = time.monotonic() + READING_AHEAD * self._thread.seconds
        unread = self._watched.unread
        while unread and not self._thread.is_stopping and time.monotonic() < until:
            self._read_unread(unread.pop())

    def _write_index(self) -> None:
        if time.monotonic() < self._index_due or not self._watched.differs_from_index:
            return
        self._index_due = time.monotonic() + INDEX_EVERY_S
        before, self._index_problem = self._index_problem, None
        try:
            with self._looking:
                self._watched.write_index()
        except OSError as error:
            self._index_problem = error.strerror or type(error).__name__
            if self._index_problem != before:
                log.warning("tenant_index_not_written", file=error.filename, reason=self._index_problem)

    def _write_record(self) -> None:
        self._recorder.write(self._now)

    def _look(self, *, at_once: bool, accept_losses: bool = False) -> None:
        def read() -> bool:
            record_changed = self._record_has_changed()
            lost = self._rules.record.losses() if self._rules.record and record_changed else ()
            files_changed = self._watched.read_changes(at_once=at_once, lost=lost)
            return files_changed or record_changed or accept_losses

        self._update(read, accept_losses=accept_losses)

    def _record_has_changed(self) -> bool:
        """Whether what another process has recorded, or an operator accepted, may settle things otherwise."""
        record = self._rules.record
        if record is None or not record.has_changed():
            return False
        versions = self._now().versions
        # Not always all: processes that read a file differently would record their versions in turn for ever.
        self._recorder.add(versions if record.has_gone_back() else record.unknown(versions))
        return True

    def _read_unread(self, organisation_id: str) -> None:
        def read() -> bool:
            self._recorder.add([organisation_id])
            return self._watched.read_unread(organisation_id)

        self._update(read)

    def _update(self, read: Callable[[], bool], *, accept_losses: bool = False) -> None:
        """Have something read, and if it was different put it into service."""
        self._now()
        with self._looking:
            before = self._now()
            if not read():
                return
            after = self._snapshot = self._settle(before, accept_losses=accept_losses)
            ids = changed(before, after)
            self._recorder.add((*ids, *after.lost, *after.missing))
        log_problems(before.problems, after.problems, after)
        for organisation_id in ids:
            self._listeners.tell(organisation_id, in_service=organisation_id in self._now().versions)

    def _settle(self, before: Settled | None, *, accept_losses: bool = False) -> Settled:
        files, problem = self._watched.files(), self._watched.problem
        return self._settler.settle(files, before, problem, accept_losses=accept_losses)
