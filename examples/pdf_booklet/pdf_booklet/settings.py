"""The settings, all with a default, and the files that follow from them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from autonomy_core.plugin_api.files import FileArea, SignedLinks
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Settings, SettingsSchema, positive_number

PLUGIN = "pdf_booklet"


class OrganisationSettings(SettingsSchema):
    """The section ``[pdf_booklet]``."""

    max_upload_mb = positive_number(20, 500, "The maximum size of a booklet in MiB.")
    link_minutes = positive_number(30, 24 * 60, "For how many minutes a link to a booklet is valid.")


class ServerSettings(SettingsSchema):
    """The keys ``pdf_booklet.…`` of the server's ini file."""

    collect_after_days = positive_number(
        30,
        3650,
        "After how many days a file is removed that no product refers to; longer than backups are kept.",
    )


def files_directory(settings: Settings) -> Path:
    """Where the booklets are."""
    return settings.data / PLUGIN / "files"


BOOKLETS = FileArea(
    "booklets",
    files_directory,
    "SELECT storage_key, size FROM pdf_booklet_booklets",
    plugin=PLUGIN,
    suffix=".pdf",
)

LINKS = SignedLinks(f"{PLUGIN}.link")


def max_upload_bytes(scope: TenantScope) -> int:
    """The maximum size of a booklet in bytes."""
    return int(scope.settings(PLUGIN)["max_upload_mb"]) * 1024 * 1024


def link_seconds(scope: TenantScope) -> int:
    """For how long a link is valid, in seconds."""
    return int(scope.settings(PLUGIN)["link_minutes"]) * 60


def collect_after(scope: TenantScope) -> timedelta:
    """After how long a file is removed that no product refers to."""
    return timedelta(days=int(scope.server_settings(PLUGIN)["collect_after_days"]))
