"""From where the request of the current thread comes, for the audit log.

Services never see a request, and most of them record who acts. So the request's origin is a context variable
instead of one more argument of every service.
"""

from __future__ import annotations

from contextvars import ContextVar

from autonomy_core.addresses import client_network

_address: ContextVar[str | None] = ContextVar("autonomy_audit_address", default=None)


def origin() -> str | None:
    """Return the network of the client whose request runs; None outside of a request."""
    address = _address.get()
    return client_network(address) if address else None


def note_origin(address: str | None) -> None:
    """Note the address of the client whose request begins; None when it ends."""
    _address.set(address)
