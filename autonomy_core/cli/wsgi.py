"""The WSGI application from an ini file, as ``pserve`` makes it: for granian, and for any other WSGI server.

Others name `app` as their factory, and the ini file in ``AUTONOMY_CONFIG``.
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

import plaster
from granian.utils.proxies import wrap_asgi_with_proxy_headers

from autonomy_core.cli.explaining import failure_for
from autonomy_core.edge.answer import Application
from autonomy_core.edge.application import Edge
from autonomy_core.edge.limits import Limits
from autonomy_core.edge.sockets import set_up_listeners


def application(config: Path) -> Any:
    """The application, with logging set up.

    Args:
        config: the ini file.

    Raises:
        SettingsError, PluginError: with every problem and what to do about it.
    """
    loader = plaster.get_loader(str(config.absolute()), ["wsgi"])
    loader.setup_logging()
    app = loader.get_wsgi_app()
    _spare_garbage_collector()
    return app


def _spare_garbage_collector() -> None:
    """Have it not look again and again at what stays for as long as the process does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def app() -> Any:
    """`application` of the file that ``AUTONOMY_CONFIG`` names, by default ``development.ini``."""
    return application(Path(os.environ.get("AUTONOMY_CONFIG", "development.ini")))


def edge_in_worker(config: str, limits: Limits, threads: int, proxies: Sequence[str]) -> Any:
    """`application` behind its edge, in a worker process of ``autonomy serve``: errors are told in a message.

    Args:
        config: the ini file.
        threads: how many the application has.
        proxies: addresses and networks that are believed when they say for whom they ask.
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
    """An application behind its edge, in a worker process of granian's."""
    # granian has made the loop, and opens the socket that listens before it runs.
    asyncio.get_event_loop().call_soon(set_up_listeners, limits.listener_s)
    return Edge(app, limits, threads)


def _leave_interrupts_to_parent() -> None:
    """Ctrl-C reaches every process of the terminal. The main one then ends its workers with SIGTERM; granian's
    are stuck when they are told twice. Blocked rather than ignored, because granian sets a handler afterwards.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _end_with_parent() -> None:
    """A worker whose main process was killed would keep the port, and no restart could have it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()
