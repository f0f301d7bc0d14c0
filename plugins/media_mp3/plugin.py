"""The plugin's implementations of the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from pyramid.config import Configurator

from autonomy_core.plugin_api.checks import OrganisationCheck
from autonomy_core.plugin_api.customers import PersonalData
from autonomy_core.plugin_api.events import (
    CustomersMerged,
    DownloadStarted,
    ImageChanged,
    LoginsEnded,
    MailSending,
    PaymentCompleted,
    ProductChanged,
)
from autonomy_core.plugin_api.files import StoredFiles
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.protocols import Authenticator, Flush, ProductKind
from autonomy_core.plugin_api.resources import (
    AdminProduct,
    ApiV1,
    CustomerProduct,
    Customers,
    ProductDetail,
    Site,
)
from media_mp3 import models  # noqa: F401 - makes the table known to the migrations
from media_mp3.archives import jobs as archives
from media_mp3.archives.resources import ProductArchives
from media_mp3.commands import media
from media_mp3.covers.resources import AdminTrackCover
from media_mp3.extras.resources import AdminProductExtras, CustomerProductExtras, Extras
from media_mp3.feeds.resources import FeedTracks, OpenFeed, OpenFeeds, OwnFeeds, ProductFeed
from media_mp3.feeds.services import revoke_feeds
from media_mp3.jobs import EVERY_S, collect
from media_mp3.kind import Mp3, Single
from media_mp3.listening.memory import LISTENING
from media_mp3.listening.resources import History, Positions
from media_mp3.personal_data import PERSONAL_DATA, move
from media_mp3.previews import models as _previews  # noqa: F401 - likewise
from media_mp3.previews.resources import PublicTracks
from media_mp3.renditions import jobs as renditions
from media_mp3.renditions.checks import check_formats
from media_mp3.renditions.planning import OF_PRODUCT
from media_mp3.renditions.resources import AdminTrackFormats, TrackFormats
from media_mp3.renditions.services import ANNOUNCE_JOB, RENDER_JOB, request_renditions
from media_mp3.resources import AdminProductTracks, AdminTrack, CustomerProductTracks, TrackNode, Tracks
from media_mp3.settings import (
    AUDIO,
    EXTRAS,
    LINKS,
    PLUGIN,
    PRODUCT_IMAGE,
    RECORDINGS,
    RENDITIONS,
    TRACK_IMAGE,
    OrganisationSettings,
    ServerSettings,
)
from media_mp3.subsonic.passwords import revoke_all
from media_mp3.subsonic.resources import AppPasswords, Subsonic
from media_mp3.subsonic.sealing import reseal

RESEAL_EVERY_S = 3600


@hookimpl
def register_settings() -> PluginSettings:
    """The lifetime of links, the maximum size of uploads, the formats, the directory of recordings."""
    return PluginSettings(organisation=OrganisationSettings, server=ServerSettings)


@hookimpl
def register_migrations() -> Migrations:
    """Tracks, renditions and extras, and what buyers keep with their players."""
    return plugin_migrations(PLUGIN, Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """``tracks`` and ``extras`` below products, customers and staff; players."""
    config.add_child(ProductDetail, "tracks", PublicTracks)
    config.add_child(CustomerProduct, "tracks", CustomerProductTracks)
    config.add_child(Customers, "tracks", Tracks)
    config.add_child(AdminProduct, "tracks", AdminProductTracks)
    config.add_child(TrackNode, "formats", TrackFormats)
    config.add_child(AdminTrack, "formats", AdminTrackFormats)
    config.add_child(AdminTrack, "cover", AdminTrackCover)
    config.add_child(CustomerProduct, "archives", ProductArchives)
    config.add_child(Customers, "app-passwords", AppPasswords)
    config.add_child(Customers, "history", History)
    config.add_child(Customers, "positions", Positions)
    config.add_child(CustomerProduct, "extras", CustomerProductExtras)
    config.add_child(Customers, "extras", Extras)
    config.add_child(AdminProduct, "extras", AdminProductExtras)
    config.add_child(Site, "rest", Subsonic)
    config.add_child(CustomerProduct, "feed", ProductFeed)
    config.add_child(Customers, "feeds", OwnFeeds)
    config.add_child(ApiV1, "feeds", OpenFeeds)
    config.add_child(OpenFeed, "tracks", FeedTracks)
    config.scan("media_mp3.views")
    config.scan("media_mp3.archives.views")
    config.scan("media_mp3.feeds.views")
    config.scan("media_mp3.listening.views")
    config.scan("media_mp3.extras.views")
    config.scan("media_mp3.singles.views")
    config.scan("media_mp3.covers.views")
    config.scan("media_mp3.renditions.views")
    config.scan("media_mp3.subsonic.views")
    config.scan("media_mp3.previews.views")


@hookimpl
def register_product_kinds() -> Sequence[ProductKind]:
    """Products that consist of recordings, and those that are one of them."""
    return [Mp3(), Single()]


@hookimpl
def register_authenticators() -> Sequence[Authenticator]:
    """Listeners, by a signed link."""
    return [LINKS]


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Formats and checksums are made, unused files deleted, app passwords encrypted again."""
    return [
        Job("media_mp3.collect", collect, every=EVERY_S),
        Job(RENDER_JOB, renditions.render, every=renditions.EVERY_S),
        Job(ANNOUNCE_JOB, renditions.announce),
        Job(archives.CHECKSUMS_JOB, archives.compute_checksums, every=archives.EVERY_S),
        Job("media_mp3.reseal", reseal, every=RESEAL_EVERY_S),
    ]


@hookimpl
def register_flushes() -> Sequence[Flush]:
    """What is heard is collected in memory."""
    return [LISTENING]


@hookimpl
def register_personal_data() -> PersonalData:
    """App passwords, feeds, what was heard, stars, playlists."""
    return PERSONAL_DATA


@hookimpl
def register_checks() -> Sequence[OrganisationCheck]:
    """Whether the listed formats exist, and can be made."""
    return [OrganisationCheck("media_mp3.formats", check_formats, is_offline=True)]


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """``autonomy media``."""
    return [media]


@hookimpl
def register_files() -> Sequence[StoredFiles]:
    """The recordings belong to a backup; uploads that are not inspected yet do not."""
    return [RECORDINGS, AUDIO, RENDITIONS, EXTRAS]


@hookimpl
def on_payment_completed(event: PaymentCompleted) -> None:
    """Give the customer the recordings that they have paid for."""
    for item in event.items:
        if item.kind in {Mp3.name, Single.name}:
            event.grant(item.id)


@hookimpl
def on_download(event: DownloadStarted) -> None:
    """Count the streams and downloads of a track. An archive is a download of each of its tracks."""
    if event.files.startswith(f"{PLUGIN}/"):
        for item_id in event.contents if event.item_id is None else (event.item_id,):
            LISTENING.begun(event.scope.organisation.id, item_id, event.purpose)


@hookimpl
def on_product_changed(event: ProductChanged) -> None:
    """Have the files made anew whose tags say something else now."""
    if event.kind == Mp3.name and event.changed & OF_PRODUCT:
        request_renditions(event.scope)


@hookimpl
def on_image_changed(event: ImageChanged) -> None:
    """Have the files made anew that contain another cover now."""
    if event.subject in {PRODUCT_IMAGE, TRACK_IMAGE} and "digest" in event.changed:
        request_renditions(event.scope)


@hookimpl
def on_logins_ended(event: LoginsEnded) -> None:
    """Revoke app passwords and feeds: with them, players are logged in."""
    revoke_all(event.scope, event.customer_id)
    revoke_feeds(event.scope, event.customer_id)


@hookimpl
def on_mail_sending(event: MailSending) -> None:
    """Tell the customer in the mail about a changed password that players were disconnected."""
    if event.mail.template == "customer_auth.password_changed":
        event.add("programs_ended", True)


@hookimpl
def on_customers_merged(event: CustomersMerged) -> None:
    """The account gets what was heard and kept. No app password or feed of the merged customer stays."""
    move(event.scope, event.source_id, event.target_id)
