"""The settings of an organisation and of the server, and the files and links that they describe."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from marshmallow import fields, validate

from autonomy_core.plugin_api.files import FileArea, SignedLinks
from autonomy_core.plugin_api.mail import NoHost, site_url
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Settings, SettingsSchema, WordsField, positive_number
from media_mp3.previews.domain import MODES, NONE

PLUGIN = "media_mp3"
TRACK_IMAGE = f"{PLUGIN}.track"
"""What the covers of tracks are images of; see `put_image`."""
PRODUCT_IMAGE = "product"
"""What the covers of products are images of."""
MEGABYTE = 1024 * 1024


class OrganisationSettings(SettingsSchema):
    """The section ``[media_mp3]``."""

    # A player requests the next part of a track by the same link, so the link is valid for longer than a
    # track and a pause. It is short enough to be invalid when it is found in a browser's history.
    link_minutes = positive_number(
        30,
        24 * 60,
        "For how many minutes a signed link plays; longer than the longest track, as a link cannot be "
        "renewed.",
    )
    max_upload_mb = positive_number(500, 2000, "How large an uploaded file may be, in MiB.")
    max_extra_mb = positive_number(
        500, 2000, "How large a file may be that comes with a product, such as a booklet, in MiB."
    )
    feed_requests_per_day = positive_number(
        1000,
        100_000,
        "How often players may ask for a private feed and its tracks per day, so that one that was passed on "
        "serves few people.",
    )
    formats = WordsField(
        load_default=(),
        metadata={
            "description": "The formats that buyers get, for example: mp3_v0 flac. The first is the one that "
            "players get by default. Without any, buyers get the uploaded files."
        },
    )
    previews = fields.String(
        load_default=NONE,
        validate=validate.OneOf(MODES),
        metadata={
            "description": "What visitors hear of each track: none, excerpt, or full for the whole track at "
            "128 kbit/s. Staff can choose something else for a track."
        },
    )
    preview_seconds = positive_number(
        30, 600, "How long an excerpt is, in seconds; at most half of the track."
    )
    previews_per_address = positive_number(
        1000, 1_000_000, "How often a network may ask for previews in an hour."
    )

    opensubsonic = fields.Boolean(
        load_default=True,
        metadata={
            "description": "Whether buyers can hear what they own with players that speak OpenSubsonic, with "
            "an app password for each device: yes or no."
        },
    )


class ServerSettings(SettingsSchema):
    """The keys ``media_mp3.…``."""

    directory = fields.String(
        load_default=None,
        metadata={"description": "Where recordings are kept; by default media/ in the data directory."},
    )
    collect_after_days = positive_number(
        30,
        3650,
        "After how many days a stored file is deleted to which no track refers; longer than backups are "
        "kept.",
    )
    inspections_at_once = positive_number(
        2,
        64,
        "How many uploads a process inspects at once; each takes a core and up to 400 MB while it lasts.",
    )

    encodings_at_once = positive_number(
        1,
        64,
        "How many files of formats a worker makes at once; each takes a core and up to 1 GB while it lasts.",
    )


def max_upload_bytes(scope: TenantScope) -> int:
    """The maximum size of an upload, in bytes."""
    return int(scope.settings(PLUGIN)["max_upload_mb"]) * MEGABYTE


def max_extra_bytes(scope: TenantScope) -> int:
    """The maximum size of an extra, in bytes."""
    return int(scope.settings(PLUGIN)["max_extra_mb"]) * MEGABYTE


def link_seconds(scope: TenantScope) -> int:
    """The lifetime of a signed link, in seconds."""
    return int(scope.settings(PLUGIN)["link_minutes"]) * 60


def shop_url(scope: TenantScope) -> str | None:
    """The address of the organisation's shop, for files that leave it; None without a host."""
    try:
        return site_url(scope)
    except NoHost:
        return None


def files_directory(settings: Settings) -> Path:
    """Where recordings are kept, by the server's settings."""
    return _directory(settings) / "files"


def collect_after(scope: TenantScope) -> timedelta:
    """After how long a stored file is deleted to which no track refers."""
    return timedelta(days=int(scope.server_settings(PLUGIN)["collect_after_days"]))


def _directory(settings: Settings) -> Path:
    configured = settings.plugins[PLUGIN]["directory"]
    return Path(configured).absolute() if configured else settings.data / "media"


def audio_directory(settings: Settings) -> Path:
    """Where audio of other formats than MP3 is kept, by the server's settings."""
    return _directory(settings) / "audio" / "files"


RECORDINGS = FileArea(
    "recordings",
    files_directory,
    "SELECT storage_key, size FROM media_mp3_tracks WHERE right(storage_key, 6) <> '.audio'",
    plugin=PLUGIN,
    suffix=".mp3",
)
"""The masters that are MP3. Uploads of all formats arrive beside them."""

AUDIO = FileArea(
    "audio",
    audio_directory,
    "SELECT storage_key, size FROM media_mp3_tracks WHERE right(storage_key, 6) = '.audio'",
    plugin=PLUGIN,
    suffix=".audio",
)
"""The masters of other formats. The rows say of which."""


def renditions_directory(settings: Settings) -> Path:
    """Where the files of formats are kept, by the server's settings."""
    return _directory(settings) / "renditions" / "files"


RENDITIONS = FileArea(
    "renditions",
    renditions_directory,
    "SELECT storage_key, size FROM media_mp3_renditions WHERE storage_key IS NOT NULL",
    plugin=PLUGIN,
    suffix=".audio",
)
"""The files that the worker makes of the masters. The rows say of which format."""


def extras_directory(settings: Settings) -> Path:
    """Where the files are that come with products, by the server's settings."""
    return _directory(settings) / "extras" / "files"


EXTRAS = FileArea(
    "extras",
    extras_directory,
    "SELECT storage_key, size FROM media_mp3_extras",
    plugin=PLUGIN,
    suffix=".extra",
)
"""Files that come with products. The rows say of which format."""


def area_of(format_name: str) -> FileArea:
    """Where a master of a format is kept."""
    return RECORDINGS if format_name == "mp3" else AUDIO


LINKS = SignedLinks(f"{PLUGIN}.link")
"""The links that ``<audio src>`` plays."""
