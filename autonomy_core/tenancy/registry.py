"""Keeps the organisations of a directory in service, and up to date while their files change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from autonomy_core.tenancy.claims import settle_hosts
from autonomy_core.tenancy.domain import Organisation, Problem
from autonomy_core.tenancy.hosts import host_keys
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader
from autonomy_core.tenancy.watch import WatchedDirectory

log = structlog.get_logger(__name__)

Listener = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Everything a request may ask. Replaced as a whole, so that readers need no lock."""

    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    hosts: Mapping[str, Organisation] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class TenantRegistry:
    """The organisations in service.

    Reads the directory when it is made. After `start()` a thread looks for changes every `poll_seconds`.
    A change takes effect for one organisation at once and as a whole; a file with problems leaves the version
    in service untouched and is logged. Every method may be called from any thread.
    """

    def __init__(self, directory: Path, plugin_schemas: PluginSchemas, poll_seconds: float = 1.0) -> None:
        self._watched = WatchedDirectory(directory, TenantLoader(plugin_schemas))
        self._poll_seconds = poll_seconds
        self._snapshot = _Snapshot()
        self._listeners: tuple[Listener, ...] = ()
        self._looking = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._read_first()

    def get(self, organisation_id: str) -> Organisation | None:
        """Return the organisation in service under this id."""
        return self._snapshot.organisations.get(organisation_id)

    def by_host(self, host: str) -> Organisation | None:
        """Return the organisation of a Host header: that of the name with its port, or else of the name."""
        hosts = self._snapshot.hosts
        exact = hosts.get(host)
        return exact or next((hosts[key] for key in host_keys(host) if key in hosts), None)

    def ids(self) -> tuple[str, ...]:
        """Return the ids of the organisations in service, sorted."""
        return tuple(self._snapshot.organisations)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the files now, also where an older version is still in service."""
        return self._snapshot.problems

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the id of each organisation that was added, changed or removed, afterwards.

        It is called in the thread that noticed. Returns a function that ends the subscription.
        """
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

    def reload(self) -> None:
        """Look for changes now, in this thread. In a signal handler use `wake`."""
        self._look(forget_missing=True)

    def wake(self) -> None:
        """Let the thread look now. Waits for no lock of ours, so a signal handler may call it."""
        self._wake.set()

    def start(self) -> None:
        """Start the thread. Call it after forking: a thread does not survive a fork."""
        if self._thread is None:
            self._stopping = False
            self._thread = threading.Thread(target=self._poll, name="tenant-registry", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it. The organisations stay in service."""
        if self._thread is not None:
            self._stopping = True
            self._wake.set()
            self._thread.join()
            self._thread = None

    def _poll(self) -> None:
        while not self._stopping:
            woken = self._wake.wait(self._poll_seconds)
            self._wake.clear()
            try:
                self._look(forget_missing=woken)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever this was
                # No traceback: what the exception says may come from a tenant's file.
                log.error("tenants_not_reloaded", error=type(error).__name__)  # noqa: TRY400

    def _read_first(self) -> None:
        self._watched.read_changes(forget_missing=True)
        before, self._snapshot = self._snapshot, self._settle()
        _log_problems(before, self._snapshot)
        log.info("tenants_loaded", organisations=len(self._snapshot.organisations))

    def _look(self, *, forget_missing: bool) -> None:
        with self._looking:
            if not self._watched.read_changes(forget_missing=forget_missing):
                return
            before, self._snapshot = self._snapshot, self._settle()
            after = self._snapshot
        _log_problems(before, after)
        for organisation_id in _changed(before, after):
            self._notify(organisation_id)

    def _settle(self) -> _Snapshot:
        settled = settle_hosts(self._watched.files(), self._snapshot.organisations)
        directory = (self._watched.problem,) if self._watched.problem else ()
        return _Snapshot(settled.organisations, settled.owners, directory + settled.problems)

    def _notify(self, organisation_id: str) -> None:
        log.info(
            "tenant_changed", organisation=organisation_id, in_service=self.get(organisation_id) is not None
        )
        for listener in self._listeners:
            try:
                listener(organisation_id)
            except Exception as error:  # noqa: BLE001 - one listener's failure must not keep the news from the others
                name = type(error).__name__
                log.error("tenant_listener_failed", organisation=organisation_id, error=name)  # noqa: TRY400


def _changed(before: _Snapshot, after: _Snapshot) -> list[str]:
    then, now = before.organisations, after.organisations
    return sorted(
        name
        for name in then.keys() | now.keys()
        if then.get(name) is not now.get(name) and then.get(name) != now.get(name)
    )


def _log_problems(before: _Snapshot, after: _Snapshot) -> None:
    known = set(before.problems)
    for problem in after.problems:
        if problem not in known:
            log.warning(
                "tenant_problem",
                file=f"{problem.file}:{problem.line}",
                code=problem.code,
                message=problem.message,
                remedy=problem.remedy,
                still_serving_last_good=problem.file.stem in after.organisations,
            )
