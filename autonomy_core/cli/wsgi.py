"""The WSGI application from an ini file, as ``pserve`` makes it: for granian, and for any other WSGI server.

Others name `app` as their factory, and the ini file in ``AUTONOMY_CONFIG``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import plaster


def application(config: Path) -> Any:
    """The application, with logging set up.

    Args:
        config: the ini file.

    Raises:
        SettingsError, PluginError: with every problem and what to do about it.
    """
    loader = plaster.get_loader(str(config.absolute()), ["wsgi"])
    loader.setup_logging()
    return loader.get_wsgi_app()


def app() -> Any:
    """`application` of the file that ``AUTONOMY_CONFIG`` names, by default ``development.ini``."""
    return application(Path(os.environ.get("AUTONOMY_CONFIG", "development.ini")))


def application_in_worker(config: str, proxies: tuple[str, ...] = ()) -> Any:
    """`application` in a worker process of ``autonomy serve``: errors are told in a message.

    Args:
        proxies: addresses of those that are believed when they say for whom they ask.
    """
    from autonomy_core.cli.failures import failure_for

    _end_with_parent()
    try:
        return behind(application(Path(config)), proxies)
    except Exception as error:
        failure = failure_for(error)
        if failure is None:
            raise
        failure.show()
        sys.exit(failure.exit_code)


def behind(app: Any, proxies: tuple[str, ...]) -> Any:
    """An application that takes the client's address and scheme from these proxies, and from nobody else.

    Without it a proxy's customers would all be one client, and links to recordings ``http``.
    """
    from granian.utils.proxies import wrap_wsgi_with_proxy_headers

    return wrap_wsgi_with_proxy_headers(app, list(proxies)) if proxies else app


def _end_with_parent() -> None:
    """A worker whose main process was killed would keep the port, and no restart could have it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()
