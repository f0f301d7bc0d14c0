"""Where the parts of uploads are, and the limits of an organisation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from autonomy_core.files.area import FileArea
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.settings import Settings

_MEGABYTE = 1024**2
_GIGABYTE = 1024**3
_DEFAULT_MEGABYTES = 2000


def files_directory(settings: Settings) -> Path:
    """Where the parts of uploads are."""
    return settings.data / "uploads" / "files"


PARTS = FileArea(
    "parts",
    files_directory,
    "SELECT storage_key, size FROM upload_parts",
    plugin="uploads",
    suffix=".part",
)
"""The parts of uploads that are not used yet."""


def max_upload_bytes(scope: TenantScope) -> int:
    """The largest upload of the organisation, in bytes. The call that uses it may have a lower limit."""
    return int(_own(scope).get("max_upload_mb") or _DEFAULT_MEGABYTES) * _MEGABYTE


def max_stored_bytes(scope: TenantScope) -> int | None:
    """How much the organisation may store, in bytes; None for as much as there is space for."""
    gigabytes = _own(scope).get("storage_gb")
    return None if gigabytes is None else int(gigabytes) * _GIGABYTE


def lifetime(scope: TenantScope) -> timedelta:
    """For how long an upload waits for its next part, or to be used."""
    return timedelta(hours=scope.server.files.upload_hours)


def _own(scope: TenantScope) -> dict[str, Any]:
    return scope.organisation.settings.get("files") or {}
