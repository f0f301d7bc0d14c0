"""Answers about the server and the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.documents import FOLDER
from media_mp3.subsonic.domain import NOT_AUTHORISED, ProtocolError

EXTENSIONS: Final = {
    "openSubsonicExtensions": [
        {"name": "apiKeyAuthentication", "versions": [1]},
        {"name": "formPost", "versions": [1]},
        {"name": "songLyrics", "versions": [1]},
    ]
}
"""``getOpenSubsonicExtensions``, which needs no credentials."""

_ROLES: Final = {"downloadRole", "playlistRole", "streamRole"}
_OTHER_ROLES: Final = (
    "adminRole",
    "settingsRole",
    "uploadRole",
    "coverArtRole",
    "commentRole",
    "podcastRole",
    "jukeboxRole",
    "shareRole",
    "videoConversionRole",
)


def ping(call: Call) -> Mapping[str, Any]:
    """``ping``: the credentials are right."""
    return {}


def license_(call: Call) -> Mapping[str, Any]:
    """``getLicense``: no player needs one."""
    return {"license": {"valid": True}}


def token_info(call: Call) -> Mapping[str, Any]:
    """``tokenInfo``: whose API key it is."""
    return {"tokenInfo": {"username": call.listener.username}}


def user(call: Call) -> Mapping[str, Any]:
    """``getUser``: the caller only."""
    username = call.listener.username
    if call.parameters.text("username") not in {None, username}:
        raise ProtocolError(NOT_AUTHORISED, "You see your own user only.")
    roles = dict.fromkeys(sorted(_ROLES), True) | dict.fromkeys(_OTHER_ROLES, False)
    return {"user": {"username": username, "scrobblingEnabled": True, **roles, "folder": [FOLDER]}}


def scan_status(call: Call) -> Mapping[str, Any]:
    """``getScanStatus``: a purchase is in the library at once, so nothing is ever scanned."""
    return {"scanStatus": {"scanning": False, "count": len(call.library.songs)}}


def bookmarks(call: Call) -> Mapping[str, Any]:
    """``getBookmarks``: none. A client that asks would stop at an error."""
    return {"bookmarks": {"bookmark": []}}


def now_playing(call: Call) -> Mapping[str, Any]:
    """``getNowPlaying``: other customers are not shown."""
    return {"nowPlaying": {"entry": []}}
