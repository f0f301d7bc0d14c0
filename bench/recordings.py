"""A large recording in an installation, and the key that may download it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from autonomy_core.files.storage import storage_key
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import make_runtime
from autonomy_core.security import api_keys
from bench.installation import ORGANISATION, Installation
from bench.load import HOST, get_request
from bench.server import ServerError
from media_mp3.models import Track

_ID = UUID(f"{1:032}")
_SHA256 = "0" * 64
_STORAGE_KEY = storage_key(ORGANISATION, _SHA256, ".mp3")


@dataclass(frozen=True)
class Recording:
    """A recording that staff may download.

    Attributes:
        root: the directory of the files.
        headers: those of a request.
    """

    root: Path
    headers: dict[str, str]

    path: str = f"/api/v1/admin/products/{_ID}/tracks/{_ID}/stream"
    """The path at the application."""

    path_of_file: str = f"/{_STORAGE_KEY}"
    """The path of the file below `root`."""

    @property
    def request(self) -> bytes:
        """A whole request to the application."""
        return get_request(self.path, {"Host": HOST, "Connection": "close", **self.headers})

    @property
    def request_of_file(self) -> bytes:
        """A whole request to a server of the directory."""
        return get_request(self.path_of_file, {"Host": HOST, "Connection": "close"})


def stock(installation: Installation, size: int) -> Recording:
    """Give a product of an installation a recording.

    Args:
        installation: whose organisation gets it.
        size: the bytes of the file, a multiple of 1,000,000.

    Raises:
        ServerError: the organisation is not in service.
    """
    runtime = make_runtime(installation.settings, Plugins.from_entry_points())
    try:
        organisation = runtime.tenants.get(ORGANISATION)
        if organisation is None:
            raise ServerError("The organisation is not in service.")
        root = runtime.settings.data / "media" / "files"
        path = root / _STORAGE_KEY
        path.parent.mkdir(parents=True)
        path.write_bytes(secrets.token_bytes(1_000_000) * (size // 1_000_000))
        with runtime.transaction(organisation) as scope:
            scope.session.add(
                Track(
                    organisation_id=ORGANISATION, id=_ID, product_id=_ID, position=1, title="Long",
                    duration_ms=3_600_000, bitrate=192_000, size=size, sha256=_SHA256,
                    storage_key=_STORAGE_KEY, filename="long.mp3", peaks=b"\0",
                )
            )  # fmt: skip
            scopes = ("catalog.read", "catalog.write")
            _, text = api_keys.issue(scope, "bench", scopes, actor="bench")
        return Recording(root, {"Authorization": f"Bearer {text}"})
    finally:
        runtime.close()
