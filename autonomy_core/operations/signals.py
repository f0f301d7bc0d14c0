"""SIGHUP: reload the organisations' files immediately. They are also checked every second."""

from __future__ import annotations

import signal
import threading
from typing import Any

from autonomy_core.tenancy.registry import TenantRegistry


def reload_on_hangup(tenants: TenantRegistry) -> None:
    """Reload the organisations on SIGHUP, if the system supports it and this is the main thread.

    ``pserve`` and ``autonomy worker`` receive the signal directly. ``autonomy serve`` forwards it to its
    worker processes. As a consequence, closing the terminal does not stop the server; SIGINT and SIGTERM do.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGHUP"):
        return

    def wake(*_: Any) -> None:
        tenants.wake()

    signal.signal(signal.SIGHUP, wake)
