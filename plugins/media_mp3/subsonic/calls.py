"""The call of a player, as the functions that answer it see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.subsonic import loading
from media_mp3.subsonic.authentication import Listener
from media_mp3.subsonic.documents import Notes
from media_mp3.subsonic.domain import ALBUM, ARTIST, TRACK, Parameters, uuid_in
from media_mp3.subsonic.library import Library


@dataclass(frozen=True)
class Call:
    """A call of a player whose customer is known.

    Attributes:
        scope: in a transaction of the call.
        parameters: without credentials.
    """

    scope: TenantScope
    listener: Listener
    parameters: Parameters

    @property
    def customer_id(self) -> UUID:
        """The customer."""
        return self.listener.customer_id

    @cached_property
    def library(self) -> Library:
        """What the customer owns now."""
        return loading.load(self.scope, self.customer_id)

    def library_of(self, *keys: str) -> Library:
        """The part of the library with some things, by their ids in the protocol.

        Artists are names, so an artist needs the whole library.

        Raises:
            ProtocolError: one is no id of a thing.
        """
        if any(key.startswith(f"{ARTIST}-") for key in keys):
            return self.library
        is_track = {key: key.startswith(f"{TRACK}-") for key in keys}
        tracks = [uuid_in(TRACK, key) for key in is_track if is_track[key]]
        albums = [uuid_in(ALBUM, key) for key in is_track if not is_track[key]]
        wanted = loading.albums_with(self.scope, tracks).union(albums)
        return loading.load(self.scope, self.customer_id, wanted)

    @cached_property
    def notes(self) -> Notes:
        """What the customer has starred, rated and played."""
        return loading.notes_of(self.scope, self.customer_id)


Answer = Callable[[Call], Mapping[str, Any]]
"""Answers a call with the members of the envelope."""
