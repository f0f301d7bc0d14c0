"""The embedded database server, as long as a command needs it."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autonomy_core.db.embedded import EmbeddedServer


def start_embedded(server: EmbeddedServer) -> None:
    """Start the server unless it runs; when the command ends, stop it if it was started here."""
    if not server.is_running():
        server.ensure_running()
        atexit.register(_stop_if_ours, server)


def _stop_if_ours(server: EmbeddedServer) -> None:
    if server.started_by_us:
        server.stop()
