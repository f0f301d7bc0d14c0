"""Writes at intervals what plugins gather in memory: a thread of every server process."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

import structlog

from autonomy_core.callables import call_to_its_end
from autonomy_core.db.outages import OUTAGES
from autonomy_core.jobs.failures import described
from autonomy_core.kernel.protocols import Flush
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

FLUSH_EVERY_S = 10.0


def flush_all(runtime: Runtime) -> None:
    """Write everything that waits. What fails is logged, waits on, and keeps nothing else from being written."""
    for flush in runtime.flushes:
        try:
            waiting = tuple(flush.waiting())
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever this was
            log.warning("flush.failed", flush=flush.name, error=described(error))
            continue
        for organisation_id in waiting:
            try:
                _write(runtime, flush, organisation_id)
            except Exception as error:  # noqa: BLE001 - likewise
                # Without a traceback: most likely the database is away, and requests say so at length.
                log.warning(
                    "flush.failed", flush=flush.name, organisation=organisation_id, error=described(error)
                )
                if isinstance(error, OUTAGES):
                    # What remains waits for the next time.
                    return


def _write(runtime: Runtime, flush: Flush, organisation_id: str) -> None:
    organisation = runtime.tenants.get(organisation_id)
    if organisation is not None:
        with runtime.transaction(organisation) as scope:
            call_to_its_end(flush.write, scope)


def keep_flushing(runtime: Runtime, every_s: float = FLUSH_EVERY_S) -> Callable[[], None]:
    """Start the thread. Call it after forking: a thread does not survive a fork.

    Returns:
        A function that stops it and writes what waits; it is called as well when the process ends in order.
    """
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(every_s):
            flush_all(runtime)

    def stop() -> None:
        atexit.unregister(stop)
        stopping.set()
        thread.join()
        flush_all(runtime)

    thread = threading.Thread(target=run, name="flushing", daemon=True)
    thread.start()
    atexit.register(stop)
    return stop
