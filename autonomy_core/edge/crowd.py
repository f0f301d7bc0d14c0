"""Limits the number of concurrent slow requests per client address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from autonomy_core.addresses import address_of, client_network
from autonomy_core.errors import TooManyRequests

RETRY_AFTER_S = 30


class Crowd:
    """Counts the current slow requests of each address.

    Args:
        most: the maximum for one address.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count: Counter[str] = Counter()

    @contextmanager
    def joined(self, address: str) -> Iterator[None]:
        """Count a request while the block runs.

        Raises:
            TooManyRequests: the address has reached the maximum.
        """
        # A proxy may send an identifier instead of an address. It identifies the client as well.
        key = client_network(address) if address_of(address) else address
        if self._count[key] >= self._most:
            raise TooManyRequests(
                "Too many slow requests come from this address.", extra={"retry_after": RETRY_AFTER_S}
            )
        self._count[key] += 1
        try:
            yield
        finally:
            self._count[key] -= 1
            if not self._count[key]:
                del self._count[key]
