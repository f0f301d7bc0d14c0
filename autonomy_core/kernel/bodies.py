"""The interface of bodies that the server reads while it sends them."""

from __future__ import annotations

from abc import ABC, abstractmethod


class StreamedBody(ABC):
    """A body that is read piece by piece, since no file on this machine has it. Its store may be slow.

    The server's edge calls `read` in a thread, and sends the piece when the thread is free again. Another
    server iterates over it.

    Attributes:
        organisation_id: the organisation whose file it is. The edge shares its threads among organisations.
    """

    organisation_id: str

    @abstractmethod
    def __len__(self) -> int:
        """All bytes of the body, whether they were read or not."""

    @abstractmethod
    def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; none at the end.

        Raises:
            AutonomyError: they cannot be read. The reason is in the log.
        """

    @abstractmethod
    def close(self) -> None:
        """Read no more."""
