"""Every answer in JSON has the form that OpenSubsonic publishes: see tests/support/opensubsonic."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from media_mp3.subsonic.dispatch import ANSWERS
from tests.functional.media_mp3.players import Player, cover, measured

PUBLISHED = json.loads(Path("tests/support/opensubsonic/responses.json").read_text())
REGISTRY = Registry().with_resource("urn:x", Resource.from_contents(PUBLISHED, DRAFT202012))


@pytest.fixture
def player(shop):
    made = shop.album(
        title="First Light", artist="The Quiet Tide", release_date=date(2020, 5, 1), label="Harbour"
    )
    track = shop.upload(made, title="Night Ferry", artist="Mira Sölve", genre="Folk", year=2019)["track"]
    cover(shop, made)
    cover(shop, made, track["id"])
    measured(shop, track["id"])
    shop.sell(made)
    player = Player.of(shop)
    player.product = made
    return player


def differences(call, answer):
    validator = Draft202012Validator(
        {"$ref": f"urn:x#/responses/{call}"},
        registry=REGISTRY,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return [f"{call} {error.json_path}: {error.message}" for error in validator.iter_errors(answer)]


def test_every_answer_has_the_published_form(shop, player):
    album = f"al-{player.product.id}"
    (song,) = player.ask("getAlbum", id=album)["album"]["song"]
    playlist = player.ask("createPlaylist", name="A list", songId=song["id"])["playlist"]["id"]
    parameters = {
        "getArtist": {"id": song["artistId"]},
        "getArtistInfo": {"id": song["artistId"]},
        "getArtistInfo2": {"id": song["artistId"]},
        "getMusicDirectory": {"id": album},
        "getTopSongs": {"artist": song["artist"]},
        "getSongsByGenre": {"genre": "Folk"},
        "getAlbumList": {"type": "newest"},
        "getAlbumList2": {"type": "newest"},
        "search2": {"query": ""},
        "search3": {"query": ""},
        "setRating": {"id": album, "rating": 3},
        "getPlaylist": {"id": playlist},
        "createPlaylist": {"name": "Another"},
        "updatePlaylist": {"playlistId": playlist, "name": "Renamed"},
        "savePlayQueue": {"id": song["id"], "current": song["id"]},
    }
    of_album, of_song = {"id": album}, {"id": song["id"]}
    parameters |= dict.fromkeys(("getAlbum", "getAlbumInfo", "getAlbumInfo2"), of_album)
    parameters |= dict.fromkeys(("getSong", "star", "unstar", "scrobble", "getLyricsBySongId"), of_song)
    parameters |= dict.fromkeys(("getSimilarSongs", "getSimilarSongs2"), of_song)
    parameters["deletePlaylist"] = {"id": playlist}
    last = {"getPlayQueue": 1, "deletePlaylist": 2}
    found = []
    for call in sorted([*ANSWERS, "getOpenSubsonicExtensions"], key=lambda name: last.get(name, 0)):
        answer = player.get(call, f="json", **parameters.get(call, {})).json
        assert answer["subsonic-response"]["status"] == "ok", (call, answer)
        found += differences(call, answer)
    assert found == []


def test_an_error_has_the_published_form(player):
    answer = player.get("getAlbum", f="json", id="al-1").json
    assert differences("getAlbum", answer) == []
    answer["subsonic-response"]["error"]["code"] = "70"
    assert differences("getAlbum", answer), "the form is strict enough to fail"
