"""Where the files of images are, and the limits of an organisation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from autonomy_core.files.area import FileArea
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.settings import Settings

_MEGABYTE = 1024 * 1024
_DEFAULT_MEGABYTES = 20


def files_directory(settings: Settings) -> Path:
    """Where the files of images are."""
    return settings.data / "images" / "files"


IMAGES = FileArea(
    "images",
    files_directory,
    "SELECT storage_key, size FROM image_renditions",
    plugin="images",
    # Of both formats. The row of a file has its type.
    suffix=".image",
)
"""The files of all images, in all sizes and formats."""


def max_upload_bytes(scope: TenantScope) -> int:
    """The largest upload of an image, in bytes."""
    own = scope.organisation.settings.get("images", {})
    return int(own.get("max_upload_mb", _DEFAULT_MEGABYTES)) * _MEGABYTE


def collect_after(scope: TenantScope) -> timedelta:
    """For how long an image stays that nothing has."""
    return timedelta(days=scope.server.images_collect_after_days)
