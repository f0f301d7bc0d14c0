"""The WSGI application of an ini file, for granian and for any other WSGI server.

Other servers use the factory `app`, with the ini file in ``AUTONOMY_CONFIG``.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from granian.utils.proxies import wrap_asgi_with_proxy_headers

from autonomy_core.cli.explaining import failure_for
from autonomy_core.cli.server_ini import loader_of
from autonomy_core.edge.answer import Application
from autonomy_core.edge.application import Edge
from autonomy_core.edge.limits import Limits
from autonomy_core.edge.sockets import set_up_listeners


def application(config: Path) -> Any:
    """Build the application, and set up logging.

    Args:
        config: the ini file.

    Raises:
        SettingsError, PluginError: with every problem and its remedy.
    """
    loader = loader_of(config)
    loader.setup_logging()
    app = loader.get_wsgi_app()
    _spare_garbage_collector()
    return app


def _spare_garbage_collector() -> None:
    """Exclude all present objects from garbage collection, because they live as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def app() -> Any:
    """Build the application of the file in ``AUTONOMY_CONFIG``, by default ``development.ini``."""
    return application(Path(os.environ.get("AUTONOMY_CONFIG", "development.ini")))


def edge_in_worker(config: str, limits: Limits, threads: int, proxies: Sequence[str]) -> Any:
    """Build the application behind its edge, in a worker process of ``autonomy serve``.

    A known error is printed as a message and ends the process.

    Args:
        config: the ini file.
        limits: the edge's limits.
        threads: the number of the application's threads.
        proxies: addresses and networks of proxies whose forwarding headers are trusted.
    """
    _leave_interrupts_to_parent()
    _end_with_parent()
    try:
        edge = behind_edge(application(Path(config)), limits, threads)
        return wrap_asgi_with_proxy_headers(edge.__call__, list(proxies)) if proxies else edge
    except Exception as error:
        failure = failure_for(error, Path(config))
        if failure is None:
            raise
        failure.show()
        sys.exit(failure.exit_code)


def behind_edge(app: Application, limits: Limits, threads: int) -> Edge:
    """Put an application behind its edge, in a worker process of granian."""
    # granian has created the event loop, and opens the listening socket before the loop runs.
    asyncio.get_event_loop().call_soon(set_up_listeners, limits.listener_s)
    return Edge(app, limits, threads)


def _leave_interrupts_to_parent() -> None:
    """Block SIGINT, so that the main process stops the workers with SIGTERM.

    Ctrl-C sends SIGINT to every process of the terminal, and granian's workers hang if they are stopped
    twice. The signal is blocked rather than ignored, because granian installs a handler afterwards.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _end_with_parent() -> None:
    """Stop when the main process was killed.

    Otherwise the worker would keep the port, and a restart would fail.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()
