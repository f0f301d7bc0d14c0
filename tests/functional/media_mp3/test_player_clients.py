"""Client libraries of OpenSubsonic play from a real server process."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from knuckles import Subsonic
from knuckles.exceptions import ErrorCode40, ErrorCode70

from tests.functional.backup.place import MUSIC, SHOP, Place, buy, sell_and_upload
from tests.support.server_processes import processes, wait_for

pytestmark = pytest.mark.processes
CLASSIC = Path(__file__).parents[2] / "support" / "classic_subsonic_client.py"
LOGIN = {"email": "ada@example.org", "password": "a long engine"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server on which Ada has bought an album."""
    place = Place(tmp_path_factory.mktemp("players")).make()
    for name in ("harbour", "nightjar"):
        (place.tenants / f"{name}.ini").write_text(SHOP.format(name=name))
    place.server.ensure_running()
    try:
        place.succeed("migrate")
        sell_and_upload(place)
        buy(place)
        with processes(place.ini) as running:
            running.start("server", "serve", "--port", "0")
            yield wait_for(lambda: answering(running), "the server")
            log = running.told_by("server")
            assert "/harbour/rest/" in log
            assert "&p=" not in log
            assert "&t=" not in log
            running.stop("server")
            counted = "SELECT sum(plays), sum(streams), sum(downloads) FROM media_mp3_track_days"
            assert place.sql(counted) == [(1, 2, 2)], "a server that stops writes what it has in memory"
    finally:
        place.server.remove()


def answering(running):
    """The address of the server, as soon as it answers."""
    told = [line for line in running.told_by("server").splitlines() if "Server on http" in line]
    with suppress(requests.ConnectionError, IndexError):
        url = told[-1].rpartition(" ")[2]
        requests.get(f"{url}/health/live", headers={"Host": "localhost"})
        return url
    return None


@pytest.fixture
def made(server):
    """A new app password of Ada."""
    api, headers = f"{server}/harbour/api/v1/customers", {"Host": "localhost"}
    token = requests.post(f"{api}/login", json=LOGIN, headers=headers).json()["access_token"]
    headers["Authorization"] = f"Bearer {token}"
    return requests.post(f"{api}/app-passwords", json={"name": "A player"}, headers=headers).json()


def test_knuckles_browses_searches_and_downloads(server, made, tmp_path):
    url = f"{urlsplit(server).netloc}/harbour"
    player = Subsonic(url, made["username"], made["password"], "knuckles", use_https=False)
    assert player.system.ping().open_subsonic
    assert player.system.get_license().valid

    (artist,) = player.browsing.get_artists()
    (album,) = player.browsing.get_artist(artist.id).albums
    (song,) = player.browsing.get_album(album.id).songs
    assert [each.id for each in player.searching.search("").songs] == [song.id]
    saved = player.media_retrieval.download(song.id, tmp_path)
    assert saved.read_bytes() == MUSIC
    assert requests.get(player.media_retrieval.stream(song.id)).content == MUSIC

    playlist = player.playlists.create_playlist("Evening", song_ids=[song.id])
    assert [each.id for each in player.playlists.get_playlist(playlist.id).songs] == [song.id]
    player.playlists.delete_playlist(playlist.id)
    player.media_annotation.set_rating(song.id, 5)
    assert player.browsing.get_song(song.id).user_rating == 5
    with pytest.raises(ErrorCode70):
        player.browsing.get_song("tr-1")
    with pytest.raises(ErrorCode40):
        Subsonic(url, made["username"], "wrong", "knuckles", use_https=False).system.ping()


def test_libsonic_plays_the_same_album(server, made):
    host, port = urlsplit(server).hostname, urlsplit(server).port
    arguments = [f"http://{host}", str(port), "harbour/rest", made["username"], made["password"]]
    ran = subprocess.run([sys.executable, CLASSIC, *arguments], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr

    found = json.loads(ran.stdout)
    assert found.pop("titles")[0].endswith("of harbour")
    assert found == {
        "ping": True,
        "licence": True,
        "streamed": sha256(MUSIC).hexdigest(),
        "downloaded": sha256(MUSIC).hexdigest(),
        "playlist": ["From afar", 2],
        "starred": [True],
        "wrong password": "refused",
    }
