"""The settings of an organisation and of the server, all with a default, and the places that follow from them."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from marshmallow import fields

from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Settings, SettingsSchema, positive_number
from media_mp3.storage import ObjectStorage, Storage

PLUGIN = "media_mp3"
MEGABYTE = 1024 * 1024


class OrganisationSettings(SettingsSchema):
    """The section ``[media_mp3]``."""

    # A player asks for the next part of a track by the same link, so it outlives a track and a pause. Whoever finds it
    # in a browser's history later gets nothing.
    link_minutes = positive_number(
        30,
        24 * 60,
        "For how many minutes a signed link plays; longer than the longest track, as a link cannot be renewed.",
    )
    max_upload_mb = positive_number(500, 2000, "How large an uploaded file may be, in MiB.")


class ServerSettings(SettingsSchema):
    """The keys ``media_mp3.…``."""

    directory = fields.String(
        load_default=None,
        metadata={"description": "Where recordings are kept; by default media/ in the data directory."},
    )
    collect_after_days = positive_number(
        30,
        3650,
        "After how many days a stored file is deleted to which no track refers; longer than backups are kept.",
    )
    inspections_at_once = positive_number(
        2,
        64,
        "How many uploads a process inspects at once; each takes a core and up to 400 MB while it lasts.",
    )


def max_upload_bytes(scope: TenantScope) -> int:
    """How large an upload may be, in bytes."""
    return int(scope.settings(PLUGIN)["max_upload_mb"]) * MEGABYTE


def link_seconds(scope: TenantScope) -> int:
    """For how long a signed link plays, in seconds."""
    return int(scope.settings(PLUGIN)["link_minutes"]) * 60


def files_directory(settings: Settings) -> Path:
    """Where recordings are kept, by the server's settings."""
    return _directory(settings) / "files"


def collect_after(scope: TenantScope) -> timedelta:
    """After how long a stored file is deleted to which no track refers."""
    return timedelta(days=int(scope.server_settings(PLUGIN)["collect_after_days"]))


def incoming_directory(scope: TenantScope) -> Path:
    """Where uploads arrive: beside the stored files, and so on the same file system."""
    path = _directory(scope.server) / "incoming"
    path.mkdir(parents=True, exist_ok=True)
    return path


def storage_of(scope: TenantScope) -> Storage:
    """Where recordings are kept."""
    return _storage_in(files_directory(scope.server))


def _directory(settings: Settings) -> Path:
    configured = settings.plugins[PLUGIN]["directory"]
    return Path(configured).absolute() if configured else settings.data / "media"


@lru_cache(maxsize=8)
def _storage_in(root: Path) -> ObjectStorage:
    return ObjectStorage.in_directory(root)
