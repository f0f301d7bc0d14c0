"""SIGHUP: look at the organisations' files now. They are looked at every second anyway."""

from __future__ import annotations

import signal
import threading
from typing import Any

from autonomy_core.tenancy.registry import TenantRegistry


def reload_on_hangup(tenants: TenantRegistry) -> None:
    """Reload the organisations on SIGHUP, where the system has it and this is the process's main thread.

    ``pserve`` and ``autonomy worker`` get the signal themselves. ``autonomy serve`` hands it on to its worker
    processes. Consequently a server whose terminal is closed goes on; SIGINT and SIGTERM end it.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGHUP"):
        return

    def wake(*_: Any) -> None:
        tenants.wake()

    signal.signal(signal.SIGHUP, wake)
