"""A buyer's library in a player that speaks OpenSubsonic."""

from __future__ import annotations

import io
from datetime import date, timedelta
from uuid import uuid4
from xml.etree.ElementTree import fromstring

import pytest
from PIL import Image
from sqlalchemy import update

from autonomy_core.operations.flushing import flush_all
from autonomy_core.plugin_api.grants import Grant
from autonomy_core.plugin_api.models import utcnow
from media_mp3.subsonic import loading, marks, playlists
from tests.functional.media_mp3.players import Player, cover, measured
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import masters

AGAIN = MUSIC + b"\0" * 4


@pytest.fixture
def album(shop):
    """Two songs that Ada has bought, with a cover."""
    made = shop.album(title="First Light", artist="The Quiet Tide", release_date=date(2020, 5, 1))
    shop.upload(made, title="Night Ferry", artist="The Quiet Tide", genre="Folk", year=2019)
    shop.upload(made, AGAIN, title="Über den Fluss", artist="Mira Sölve", genre="Folk")
    cover(shop, made)
    shop.sell(made)
    return made


@pytest.fixture
def player(shop, album):
    return Player.of(shop)


@pytest.fixture
def songs(player, album):
    return player.ask("getAlbum", id=f"al-{album.id}")["album"]["song"]


def named(things):
    return [each.get("name") or each.get("title") for each in things]


def test_artists_and_directories_lead_to_the_same_songs(player, album, songs):
    index = player.ask("getArtists")["artists"]["index"]
    artists = [artist for group in index for artist in group["artist"]]
    assert named(artists) == ["Mira Sölve", "The Quiet Tide"]
    (found,) = player.ask("getArtist", id=artists[1]["id"])["artist"]["album"]
    assert (found["id"], found["name"], found["artist"]) == (
        f"al-{album.id}",
        "First Light",
        "The Quiet Tide",
    )
    assert (found["songCount"], found["year"], found["genre"]) == (2, 2020, "Folk")
    assert named(songs) == ["Night Ferry", "Über den Fluss"]
    song = player.ask("getSong", id=songs[0]["id"])["song"]
    assert (song["track"], song["discNumber"], song["suffix"]) == (1, 1, "mp3")
    assert (song["contentType"], song["size"], song["isDir"]) == ("audio/mpeg", len(MUSIC), False)

    (folder,) = player.ask("getMusicFolders")["musicFolders"]["musicFolder"]
    older = player.ask("getIndexes", musicFolderId=folder["id"])["indexes"]
    assert [each["id"] for group in older["index"] for each in group["artist"]] == [
        each["id"] for each in artists
    ]
    (directory,) = player.ask("getMusicDirectory", id=artists[1]["id"])["directory"]["child"]
    assert directory["isDir"] is True
    children = player.ask("getMusicDirectory", id=directory["id"])["directory"]["child"]
    assert [child["id"] for child in children] == [song["id"] for song in songs]
    assert (
        named(player.ask("getMusicDirectory", id=folder["id"])["directory"]["child"])[1] == "The Quiet Tide"
    )
    assert "index" not in player.ask("getIndexes", ifModifiedSince=older["lastModified"])["indexes"]


def test_everything_is_found_in_pages_and_in_lists(player):
    found = player.ask("search3", query='""', songCount=1, songOffset=1, albumCount=500, artistCount=0)
    assert named(found["searchResult3"]["song"]) == ["Über den Fluss"]
    assert named(found["searchResult3"]["album"]) == ["First Light"]
    assert found["searchResult3"]["artist"] == []
    assert named(player.ask("search2", query="uber")["searchResult2"]["song"]) == ["Über den Fluss"]
    assert len(player.ask("getSongsByGenre", genre="folk")["songsByGenre"]["song"]) == 2
    assert len(player.ask("getRandomSongs", size=1)["randomSongs"]["song"]) == 1

    lists = {
        **{kind: {} for kind in ("random", "newest", "alphabeticalByName", "alphabeticalByArtist")},
        "byYear": {"fromYear": 2025, "toYear": 2000},
        "byGenre": {"genre": "folk"},
    }
    for kind, more in lists.items():
        for call, member in (("getAlbumList2", "albumList2"), ("getAlbumList", "albumList")):
            assert named(player.ask(call, type=kind, **more)[member]["album"]) == ["First Light"], kind
            assert player.ask(call, type=kind, offset=1, **more)[member]["album"] == []


def test_xml_has_the_same_and_errors_have_their_numbers(player, album, songs):
    root = fromstring(player.get("getAlbum.view", id=f"al-{album.id}").body)
    found = root.findall(".//{*}song")
    assert [each.get("id") for each in found] == [song["id"] for song in songs]
    assert found[0].get("isDir") == "false"
    assert found[0].find("{*}artists").get("name") == "The Quiet Tide"

    assert player.refused("getAlbumList2", type="byColour") == 10
    assert player.refused("getAlbum") == 10
    assert player.refused("getAlbum", id="12") == 70
    assert player.refused("getSong", id=f"tr-{uuid4()}") == 70
    assert player.refused("search3", query="a\0b") == 10
    assert player.refused("getPodcasts") == 70
    assert player.refused("getUser", username="admin") == 50


def test_a_song_is_streamed_in_ranges_and_downloaded(shop, player, songs):
    song = songs[0]
    whole = player.get("stream", id=song["id"])
    part = player.get("stream", id=song["id"], status=206, headers={"Range": "bytes=100-199"})
    saved = player.get("download", id=song["id"])

    form = {**player.credentials, "id": song["id"]}
    posted = shop.autonomy.app.post(
        f"/{shop.id}/rest/stream.view", form, headers={"Range": "bytes=5-"}, status=206
    )
    assert posted.body == MUSIC[5:]
    assert whole.body == saved.body == MUSIC
    assert (whole.content_type, whole.headers["Accept-Ranges"]) == ("audio/mpeg", "bytes")
    assert part.body == MUSIC[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(MUSIC)}"
    assert 'filename="The Quiet Tide - Night Ferry.mp3"' in saved.headers["Content-Disposition"]


def test_a_cover_comes_in_the_wanted_size(player, album, songs):
    for key in (songs[0]["coverArt"], songs[0]["id"]):
        answer = player.get("getCoverArt", id=key, size=150)
        assert Image.open(io.BytesIO(answer.body)).size == (120, 120)
    assert answer.content_type == "image/jpeg"
    again = player.get(
        "getCoverArt", id=key, size=150, headers={"If-None-Match": answer.headers["ETag"]}, status=304
    )
    assert again.body == b""
    assert player.refused("getCoverArt", id=f"al-{uuid4()}") == 70


def test_a_song_shows_its_own_cover_or_that_of_its_album(shop, player, album, songs):
    own = songs[0]["id"]
    cover(shop, album, own.removeprefix("tr-"), "red")
    stranger = Player.of(shop, shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org")))

    first, second = player.ask("getAlbum", id=f"al-{album.id}")["album"]["song"]

    assert (first["coverArt"], second["coverArt"]) == (own, f"al-{album.id}")
    colours = {}
    for key in (own, second["id"], f"al-{album.id}"):
        content = io.BytesIO(player.get("getCoverArt", id=key).body)
        colours[key] = Image.open(content).convert("RGB").getpixel((9, 9))
    assert colours.pop(own)[0] > 250
    assert max(red for red, _, _ in colours.values()) < 10
    assert stranger.refused("getCoverArt", id=own) == 70


def test_a_player_gets_the_gain_of_a_song_and_its_album(shop, player, album, songs):
    measured(shop, songs[0]["id"].removeprefix("tr-"))

    first, second = player.ask("getAlbum", id=f"al-{album.id}")["album"]["song"]

    assert first["replayGain"] == {"trackGain": -8.0, "albumGain": -6.0, "trackPeak": 0.9, "albumPeak": 0.95}
    assert "replayGain" not in second, "it is not measured yet"
    in_xml = fromstring(player.get("getSong", id=first["id"]).body)
    (found,) = (each for each in in_xml[0] if each.tag.endswith("replayGain"))
    assert found.attrib["trackGain"] == "-8.0"


def test_a_refund_ends_it_at_once(shop, player, album, songs):
    with shop.autonomy.scope(shop.id) as scope:
        ended = {"revoked_at": utcnow(), "revoked_because": "refunded"}
        scope.session.execute(update(Grant).where(Grant.product_id == album.id).values(**ended))

    assert player.ask("search3", query="")["searchResult3"]["song"] == []
    for call in ("getSong", "stream", "download", "getCoverArt", "star", "scrobble"):
        assert player.refused(call, id=songs[0]["id"]) == 70


def test_a_player_of_another_customer_finds_nothing(shop, songs):
    bob = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org"))
    stranger = Player.of(shop, bob)

    assert stranger.ask("getArtists")["artists"]["index"] == []
    for call in ("getSong", "stream", "download", "getCoverArt", "getLyricsBySongId"):
        assert stranger.refused(call, id=songs[0]["id"]) == 70


def test_a_preorder_has_its_instant_tracks_only(shop):
    later = (utcnow() + timedelta(days=30)).date()
    made = shop.album(title="Later", release_date=later, preorder=True)
    shop.upload(made, title="Waiting")
    instant = shop.upload(made, AGAIN, title="Instant")["track"]
    path = f"{shop.api}/admin/products/{made.id}/tracks/{instant['id']}"
    shop.autonomy.app.patch_json(path, {"instant": True}, headers=shop.staff)
    shop.sell(made)
    player = Player.of(shop)

    assert named(player.ask("search3", query="")["searchResult3"]["song"]) == ["Instant"]
    waiting = next(each for each in shop.tracks(made)["items"] if each["title"] == "Waiting")
    assert player.refused("stream", id=f"tr-{waiting['id']}") == 70


def test_stars_and_ratings_are_kept(player, album, songs):
    player.ask("star", id=songs[1]["id"], albumId=f"al-{album.id}", artistId=songs[0]["artistId"])
    player.ask("setRating", id=f"al-{album.id}", rating=4)

    for call in ("getStarred2", "getStarred"):
        starred = player.ask(call)[call.removeprefix("get").lower()]
        assert [named(starred[kind]) for kind in ("song", "album", "artist")] == [
            ["Über den Fluss"], ["First Light"], ["The Quiet Tide"],
        ]  # fmt: skip
    assert player.ask("getAlbumList2", type="highest")["albumList2"]["album"][0]["userRating"] == 4
    assert len(player.ask("getAlbumList2", type="starred")["albumList2"]["album"]) == 1

    player.ask("unstar", id=songs[1]["id"])
    player.ask("setRating", id=f"al-{album.id}", rating=0)
    assert player.ask("getStarred2")["starred2"]["song"] == []
    assert player.ask("getAlbumList2", type="highest")["albumList2"]["album"] == []
    assert player.refused("star", id=f"tr-{uuid4()}") == 70


@pytest.mark.parametrize("rating", ["99", "6", "-4", "x", "4.5"])
def test_a_rating_outside_its_limits_changes_nothing(player, album, rating):
    player.ask("setRating", id=f"al-{album.id}", rating=4)
    assert player.refused("setRating", id=f"al-{album.id}", rating=rating) == 10
    assert player.ask("getAlbumList2", type="highest")["albumList2"]["album"][0]["userRating"] == 4


def test_a_playlist_is_made_changed_and_removed(shop, player, songs):
    first, second = (song["id"] for song in songs)
    made = player.ask("createPlaylist", name="Evening", songId=[second, first, second])["playlist"]
    assert [each["id"] for each in made["entry"]] == [second, first, second]

    player.ask(
        "updatePlaylist", playlistId=made["id"], name="Night", songIdToAdd=first, songIndexToRemove=[0, 1]
    )
    found = player.ask("getPlaylist", id=made["id"])["playlist"]
    assert (found["name"], found["songCount"]) == ("Night", 2)
    assert [each["id"] for each in found["entry"]] == [second, first]
    replaced = player.ask("createPlaylist", playlistId=made["id"], songId=first)["playlist"]
    assert [each["id"] for each in replaced["entry"]] == [first]

    bob = Player.of(shop, shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org")))
    assert bob.ask("getPlaylists")["playlists"]["playlist"] == []
    for call in ("getPlaylist", "deletePlaylist"):
        assert bob.refused(call, id=made["id"]) == 70
    assert player.refused("updatePlaylist", playlistId=made["id"], songIndexToRemove=5) == 10
    assert player.refused("createPlaylist", name="Other", songId=f"tr-{uuid4()}") == 70

    player.ask("deletePlaylist", id=made["id"])
    assert player.ask("getPlaylists")["playlists"]["playlist"] == []


def test_all_playlists_together_have_a_limited_number_of_songs(player, songs, monkeypatch):
    monkeypatch.setattr(playlists, "MOST_TRACKS", 3)
    first, second = (song["id"] for song in songs)
    made = player.ask("createPlaylist", name="Evening", songId=[first, second])["playlist"]
    player.ask("createPlaylist", name="Night", songId=[first])

    assert player.refused("createPlaylist", name="Morning", songId=[first]) == 0
    assert player.refused("updatePlaylist", playlistId=made["id"], songIdToAdd=first) == 0
    player.ask("updatePlaylist", playlistId=made["id"], songIdToAdd=first, songIndexToRemove=0)
    assert len(player.ask("getPlaylists")["playlists"]["playlist"]) == 2


def test_another_player_continues_the_queue(player, songs, shop):
    first, second = (song["id"] for song in songs)
    assert "playQueue" not in player.ask("getPlayQueue")
    player.ask("savePlayQueue", id=[first, second], current=second, position=1234)

    queue = Player.of(shop).ask("getPlayQueue")["playQueue"]

    assert [each["id"] for each in queue["entry"]] == [first, second]
    assert (queue["current"], queue["position"], queue["changedBy"]) == (second, 1234, "test")


def test_what_was_played_is_counted_and_a_stream_is_no_play(shop, player, songs):
    player.get("stream", id=songs[0]["id"])
    player.ask("scrobble", id=songs[1]["id"], submission="false")
    when = round((utcnow() - timedelta(days=1)).timestamp() * 1000)
    for _ in range(2):  # a player that is not sure whether it arrived
        player.ask("scrobble", id=songs[0]["id"], time=when)
    player.ask("scrobble", id=[songs[0]["id"], songs[1]["id"]])
    flush_all(shop.autonomy.runtime)

    assert [player.ask("getSong", id=song["id"])["song"].get("playCount") for song in songs] == [2, 1]
    (album,) = player.ask("getAlbumList2", type="frequent")["albumList2"]["album"]
    assert album["playCount"] == 3
    assert named(player.ask("getTopSongs", artist="The Quiet Tide")["topSongs"]["song"]) == ["Night Ferry"]
    assert len(player.ask("getAlbumList2", type="recent")["albumList2"]["album"]) == 1


def test_one_call_is_about_a_limited_number_of_things(player, songs, monkeypatch):
    monkeypatch.setattr(marks, "MOST_AT_ONCE", 2)
    ids = [songs[0]["id"]] * 3
    for call in ("star", "unstar", "scrobble"):
        assert player.refused(call, id=ids) == 0, call
        player.ask(call, id=ids[:2])
    assert player.refused("star", id=ids[:2], albumId=songs[0]["albumId"]) == 0


def test_a_call_about_one_thing_reads_the_album_of_it_only(shop, player, songs, monkeypatch):
    second = shop.album(title="Second Light")
    shop.upload(second)
    shop.sell(second)
    read, load = [], loading.load
    monkeypatch.setattr(loading, "load", lambda *given: read.append(load(*given)) or read[-1])

    calls = ("getSong", "getAlbum", "star", "setRating", "scrobble", "getLyricsBySongId", "getAlbumInfo2")
    for call in calls:
        player.ask(call, id=songs[0]["id"], rating=3)
    player.ask("star", id=songs[0]["id"], artistId=songs[0]["artistId"])

    found = [sorted(album.title for album in library.owned) for library in read]
    assert found == [["First Light"]] * len(calls) + [["First Light", "Second Light"]]


def test_lyrics_and_descriptions_are_the_shops(shop, player, album, songs):
    path = f"{shop.api}/admin/products/{album.id}/tracks/{songs[0]['id'].removeprefix('tr-')}"
    shop.autonomy.app.patch_json(path, {"lyrics": "One line\nTwo lines"}, headers=shop.staff)

    (found,) = player.ask("getLyricsBySongId", id=songs[0]["id"])["lyricsList"]["structuredLyrics"]
    assert found["line"] == [{"value": "One line"}, {"value": "Two lines"}]
    older = player.ask("getLyrics", artist="The Quiet Tide", title="night ferry")["lyrics"]
    assert older["value"].startswith("One line")
    changes = {"description": "*Songs* of the sea"}
    shop.autonomy.app.patch_json(f"{shop.api}/admin/products/{album.id}", changes, headers=shop.staff)
    notes = player.ask("getAlbumInfo2", id=f"al-{album.id}")["albumInfo"]["notes"]
    assert notes == "Songs of the sea"


@pytest.mark.processes
def test_a_stream_gets_the_format_that_the_player_wants(make_shop):
    shop = make_shop(formats="flac opus")
    made = shop.album()
    shop.upload(made, masters.wav(), title="Night Ferry")
    shop.sell(made)
    player = Player.of(shop)
    (before,) = player.ask("search3", query="")["searchResult3"]["song"]
    assert before["suffix"] == "wav"
    while shop.autonomy.jobs(shop.id, with_mail=True):
        assert shop.autonomy.run_jobs(shop.id) == []

    (song,) = player.ask("search3", query="")["searchResult3"]["song"]
    assert (song["suffix"], song["contentType"]) == ("flac", "audio/flac")
    streamed = player.get("stream", id=song["id"])
    assert (streamed.content_type, len(streamed.body)) == ("audio/flac", song["size"])
    small = player.get("stream", id=song["id"], maxBitRate=160)
    assert small.content_type == player.get("stream", id=song["id"], format="opus").content_type
    assert small.content_type != "audio/flac"
    assert player.get("stream", id=song["id"], format="raw").content_type == "audio/flac"
