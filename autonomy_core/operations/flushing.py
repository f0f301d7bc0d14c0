"""Writes the data that plugins collect in memory, at intervals, in a thread of each server process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing.util import Finalize

import structlog

from autonomy_core.callables import call_to_its_end
from autonomy_core.db.outages import OUTAGES
from autonomy_core.jobs.failures import described
from autonomy_core.kernel.protocols import Flush
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

FLUSH_EVERY_S = 10.0


def flush_all(runtime: Runtime) -> None:
    """Write all collected data.

    A failure is logged and does not affect other data, which is retried later.
    """
    for flush in runtime.flushes:
        try:
            waiting = tuple(flush.waiting())
        except Exception as error:  # noqa: BLE001 - the thread must survive any error of a plugin
            log.warning("flush.failed", flush=flush.name, error=described(error))
            continue
        for organisation_id in waiting:
            try:
                _write(runtime, flush, organisation_id)
            except Exception as error:  # noqa: BLE001 - likewise
                # No traceback: the database is probably unavailable, which requests log in detail.
                log.warning(
                    "flush.failed", flush=flush.name, organisation=organisation_id, error=described(error)
                )
                if isinstance(error, OUTAGES):
                    # The remaining data is written at the next interval.
                    return


def _write(runtime: Runtime, flush: Flush, organisation_id: str) -> None:
    organisation = runtime.tenants.get(organisation_id)
    if organisation is not None:
        with runtime.transaction(organisation) as scope:
            call_to_its_end(flush.write, scope)


def keep_flushing(runtime: Runtime, every_s: float = FLUSH_EVERY_S) -> Callable[[], None]:
    """Start the thread. Call this after forking, because threads do not survive a fork.

    Args:
        runtime: the process's runtime.
        every_s: the interval in seconds.

    Returns:
        A function that stops the thread and writes the remaining data. It also runs at a normal process exit.
    """
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(every_s):
            flush_all(runtime)

    def stop() -> None:
        finalizer.cancel()
        stopping.set()
        thread.join()
        flush_all(runtime)

    thread = threading.Thread(target=run, name="flushing", daemon=True)
    thread.start()
    # Not atexit, which does not run in the forked processes of `autonomy serve`.
    finalizer = Finalize(None, stop, exitpriority=0)
    return stop
