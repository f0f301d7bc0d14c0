"""The documents of a feed: RSS with the members that podcast players need, and a playlist. Pure.

Source: RSS 2.0 (https://www.rssboard.org/rss-specification); Apple, "Podcaster's guide to RSS"; RFC 8216,
section 4.1, for the form of a playlist.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

RSS_TYPE: Final = "application/rss+xml"
PLAYLIST_TYPE: Final = "audio/x-mpegurl"
TOKEN_BYTES: Final = 32

_ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_ATOM: Final = "http://www.w3.org/2005/Atom"
_GENERATOR: Final = "Autonomy Server"
# A name of ElementTree's that is in no document: the prefixes of the namespaces.
ET.register_namespace("itunes", _ITUNES)
ET.register_namespace("atom", _ATOM)


@dataclass(frozen=True, slots=True)
class Episode:
    """A track in a feed.

    Attributes:
        id: of the track; players know an episode by it.
        title: of the track.
        artist: of the track or of the release; None if there is none.
        duration_ms: milliseconds.
        disc: the number of the disc, from 1.
        number: in the feed, from 1.
        explicit: whether the content is.
        url: from which players load it.
        size: of the file in bytes.
        media_type: of the file.
    """

    id: str
    title: str
    artist: str | None
    duration_ms: int
    disc: int
    number: int
    explicit: bool
    url: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A product in a feed.

    Attributes:
        title: of the product.
        artist: None if there is none.
        description: plain text; may be empty.
        url: of the feed.
        link: of the shop.
        image: the URL of the cover; None without one.
        language: BCP 47; None if it is not known.
        explicit: whether the content is.
        published: since when the owner can hear it, aware.
        episodes: in their order.
    """

    title: str
    artist: str | None
    description: str
    url: str
    link: str
    image: str | None
    language: str | None
    explicit: bool
    published: datetime
    episodes: Sequence[Episode]


def new_token() -> tuple[str, str]:
    """A token that cannot be guessed, and the hash by which it is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """What the database keeps of a token: 64 hexadecimal digits. It is random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(token: str, kept: str) -> bool:
    """Whether a token is the one whose hash was kept."""
    return hmac.compare_digest(hash_of(token), kept)


def rss(channel: Channel) -> bytes:
    """The feed. It tells directories not to list it, and players to keep the order of the tracks."""
    root = ET.Element("rss", version="2.0")
    parent = ET.SubElement(root, "channel")
    _text(parent, "title", channel.title)
    _text(parent, "link", channel.link)
    _text(parent, "description", channel.description or channel.title)
    ET.SubElement(parent, f"{{{_ATOM}}}link", href=channel.url, rel="self", type=RSS_TYPE)
    _text(parent, "language", channel.language)
    _text(parent, "generator", _GENERATOR)
    _text(parent, f"{{{_ITUNES}}}author", channel.artist)
    _text(parent, f"{{{_ITUNES}}}type", "serial")
    _text(parent, f"{{{_ITUNES}}}block", "Yes")
    _text(parent, f"{{{_ITUNES}}}explicit", _boolean(channel.explicit))
    if channel.image:
        ET.SubElement(parent, f"{{{_ITUNES}}}image", href=channel.image)
    for episode in channel.episodes:
        # A second apart, since players sort by the date. The last one is not later than the others came.
        before = timedelta(seconds=len(channel.episodes) - episode.number)
        _item(parent, episode, channel.published - before)
    ET.indent(root, " ")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _item(channel: ET.Element, episode: Episode, published: datetime) -> None:
    item = ET.SubElement(channel, "item")
    _text(item, "title", episode.title)
    ET.SubElement(item, "guid", isPermaLink="false").text = episode.id
    _text(item, "pubDate", format_datetime(published.astimezone(UTC), usegmt=True))
    ET.SubElement(item, "enclosure", url=episode.url, length=str(episode.size), type=episode.media_type)
    _text(item, f"{{{_ITUNES}}}author", episode.artist)
    _text(item, f"{{{_ITUNES}}}duration", str(_seconds(episode)))
    _text(item, f"{{{_ITUNES}}}season", str(episode.disc))
    _text(item, f"{{{_ITUNES}}}episode", str(episode.number))
    _text(item, f"{{{_ITUNES}}}explicit", _boolean(episode.explicit))


def _text(parent: ET.Element, name: str, text: str | None) -> None:
    if text:
        ET.SubElement(parent, name).text = text


def _boolean(value: bool) -> str:  # noqa: FBT001 - it is the value that is written
    return "true" if value else "false"


def _seconds(episode: Episode) -> int:
    return round(episode.duration_ms / 1000)


def playlist(channel: Channel) -> bytes:
    """The tracks as an extended M3U playlist in UTF-8."""
    lines = ["#EXTM3U", f"#PLAYLIST:{channel.title}"]
    for episode in channel.episodes:
        name = f"{episode.artist} - {episode.title}" if episode.artist else episode.title
        lines += [f"#EXTINF:{_seconds(episode)},{name}", episode.url]
    return ("\n".join(lines) + "\n").encode()
