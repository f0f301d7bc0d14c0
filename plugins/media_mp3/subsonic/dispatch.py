"""Which function answers which call of a player, and how a call is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog

from autonomy_core.plugin_api.catalog import NotAvailableYet
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.personal_data import lock_customer
from media_mp3.subsonic import browsing, lists, marks, playlists, queues, searching, system, texts
from media_mp3.subsonic.authentication import Listener, authenticate
from media_mp3.subsonic.calls import Answer, Call
from media_mp3.subsonic.domain import NOT_FOUND, Parameters, ProtocolError, credentials_of, not_found

log = structlog.get_logger(__name__)

FILES: Final = frozenset({"stream", "download", "getCoverArt"})
"""Calls that are answered with a file, see `files`."""

EXTENSIONS: Final = "getOpenSubsonicExtensions"

ANSWERS: Final[Mapping[str, Answer]] = {
    "ping": system.ping,
    "getLicense": system.license_,
    "tokenInfo": system.token_info,
    "getUser": system.user,
    "getScanStatus": system.scan_status,
    "getBookmarks": system.bookmarks,
    "getNowPlaying": system.now_playing,
    "getMusicFolders": browsing.music_folders,
    "getIndexes": browsing.indexes,
    "getMusicDirectory": browsing.music_directory,
    "getArtists": browsing.artists,
    "getArtist": browsing.artist,
    "getAlbum": browsing.album,
    "getSong": browsing.song,
    "getGenres": browsing.genres,
    "search2": searching.search2,
    "search3": searching.search3,
    "getAlbumList": lists.album_list,
    "getAlbumList2": lists.album_list2,
    "getSongsByGenre": lists.songs_by_genre,
    "getRandomSongs": lists.random_songs,
    "getStarred": lists.starred,
    "getStarred2": lists.starred2,
    "getTopSongs": lists.top_songs,
    "getSimilarSongs": lists.similar_songs,
    "getSimilarSongs2": lists.similar_songs2,
    "star": marks.star,
    "unstar": marks.unstar,
    "setRating": marks.set_rating,
    "scrobble": marks.scrobble,
    "getPlaylists": playlists.playlists,
    "getPlaylist": playlists.playlist,
    "createPlaylist": playlists.create,
    "updatePlaylist": playlists.update,
    "deletePlaylist": playlists.remove,
    "getPlayQueue": queues.play_queue,
    "savePlayQueue": queues.save,
    "getLyrics": texts.lyrics,
    "getLyricsBySongId": texts.lyrics_by_song,
    "getAlbumInfo": texts.album_info,
    "getAlbumInfo2": texts.album_info,
    "getArtistInfo": texts.artist_info,
    "getArtistInfo2": texts.artist_info2,
}

WRITING: Final = frozenset(
    {
        "star",
        "unstar",
        "setRating",
        "createPlaylist",
        "updatePlaylist",
        "deletePlaylist",
        "savePlayQueue",
    }
)
"""Calls that write rows about the customer. What ``scrobble`` reports is written later, see `listening`."""

_LONGEST_LOGGED: Final = 60


def name_of(segment: str) -> str:
    """The name of a call, from the last segment of its path: ``ping.view`` is ``ping``."""
    return segment.removesuffix(".view")


def listener_of(scope: TenantScope, parameters: Parameters, client_address: str | None) -> Listener:
    """Whose player calls.

    Args:
        scope: its own transaction is not used.

    Raises:
        ProtocolError: see `authenticate`.
    """
    return authenticate(scope, credentials_of(parameters), client_address)


def require_known(name: str) -> None:
    """Refuse a call that does not exist here, and log what was wanted.

    Raises:
        ProtocolError: there is no such call.
    """
    if name not in ANSWERS and name not in FILES and name != EXTENSIONS:
        # The parameters may contain a password.
        log.info("media_mp3.subsonic_call_unknown", call=name[:_LONGEST_LOGGED])
        raise ProtocolError(NOT_FOUND, "This server does not have that call.")


def answer(scope: TenantScope, name: str, listener: Listener, parameters: Parameters) -> Mapping[str, Any]:
    """Answer a call, in one transaction.

    Args:
        scope: its own transaction is not used.
        name: a key of `ANSWERS`.

    Raises:
        ProtocolError: the call cannot be answered; nothing was changed.
    """
    try:
        with scope.begin() as own:
            if name in WRITING:
                lock_customer(own, listener.customer_id)
            return ANSWERS[name](Call(own, listener, parameters))
    except (NotFound, NotAvailableYet):
        raise not_found() from None
