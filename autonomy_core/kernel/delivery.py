"""The Protocol of deliveries: another server sends a stored file to the client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.stores import StoreSettings

__all__ = ["DeliveredFile", "FileDelivery", "Handover", "Redirect", "SentByProxy"]


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A stored file that a client may have now.

    Attributes:
        path: of the file in its store, without a slash at the beginning:
            ``media_mp3/recordings/harbour/9f/9f….mp3``, in a bucket after the prefix. It consists of letters,
            digits and ``/._-``. The server makes it from the organisation's id, so that it never names a file
            of another organisation.
        local: the file on this machine; None if the store is another server.
        size: in bytes.
        media_type: the Content-Type of the answer.
        disposition: the Content-Disposition of the answer.
        seconds: for how long a URL should open the file.
        store: the URL of the store, without keys: ``s3://bucket/prefix``.
    """

    path: str
    local: Path | None
    size: int
    media_type: str
    disposition: str
    seconds: int
    store: str
    _settings: StoreSettings | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Redirect:
    """The client gets the file from a URL. Its server evaluates ``Range``.

    Attributes:
        url: absolute. It needs no header to open, and only for a short time.
    """

    url: str


@dataclass(frozen=True, slots=True)
class SentByProxy:
    """The proxy in front of the application sends the file. It evaluates ``Range``.

    Attributes:
        headers: what tells the proxy, for example ``X-Accel-Redirect``. The answer has no body.
    """

    headers: Mapping[str, str]


Handover = Redirect | SentByProxy
"""How another server sends a file."""


@runtime_checkable
class FileDelivery(Protocol):
    """Has another server send the files of an organisation, for example a CDN with URLs of its own kind.

    ``[files] delivery`` in an organisation's ini file, or ``autonomy.files.delivery``, selects a delivery by
    its name. One that a plugin offers delivers for organisations that have enabled the plugin.

    The core has authenticated the client, found the file, compared its size, and evaluated the
    preconditions (RFC 9110, section 13). It calls a delivery for a GET of the whole file or of one range.
    """

    name: str
    """How the ini files name it."""

    def hand_over(self, scope: TenantScope, file: DeliveredFile) -> Handover | None:
        """Who sends the file; None if the application shall send it itself.

        It is called in a request, so it must not call another server.

        Args:
            scope: the organisation's.
            file: the file.
        """
