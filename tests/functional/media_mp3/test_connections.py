"""A real server: slow listeners, interrupted and concurrent uploads hold no database connection."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
from sqlalchemy import select, text

from autonomy_core.operations.flushing import flush_all
from autonomy_core.plugin_api.files import Upload
from autonomy_core.plugin_api.models import utcnow
from demo import music
from media_mp3 import services
from media_mp3.domain import AudioFacts, TrackReport
from media_mp3.listening.memory import LISTENING
from media_mp3.listening.models import Play, Position
from media_mp3.listening.services import delete_history
from tests.functional.media_mp3.shop import LONG, MUSIC, serving
from tests.unit.media_mp3 import material

WAITING_FOR_THIS = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)
"""Counts the locks that others wait for because of the connection that asks."""


@pytest.fixture
def shop(committed_shop):
    return committed_shop


@pytest.fixture
def address(shop):
    with serving(shop.autonomy.app.app) as address:
        yield address


def connections_in_use(shop):
    return shop.autonomy.database.engine.pool.checkedout()


def wait_until(holds):
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.02)
    return False


def send_headers(shop, address, album, length, headers=None):
    """Begin an upload, and send what comes before the file."""
    connection = socket.create_connection(address)
    lines = [
        f"POST {shop.api}/admin/products/{album.id}/tracks HTTP/1.1",
        "Host: localhost",
        "Content-Type: multipart/form-data; boundary=XX",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in (headers or shop.staff).items()),
    ]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return connection


FILE = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'


def test_a_slow_listener_holds_no_database_connection(shop, address):
    album = shop.album()
    shop.upload(album, LONG)
    shop.sell(album)
    link = urlsplit(shop.tracks(album)["items"][0]["stream_url"])
    idle = connections_in_use(shop)

    with socket.create_connection(address) as listener:
        listener.sendall(f"GET {link.path}?{link.query} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        begun = listener.recv(1000)
        assert begun.startswith(b"HTTP/1.0 200")
        assert connections_in_use(shop) == idle == 0
        received = len(begun)
        while piece := listener.recv(1 << 20):
            received += len(piece)
    assert received > len(LONG)


def test_the_file_is_closed_when_the_listener_leaves(shop):
    album = shop.album()
    shop.upload(album, LONG)
    shop.sell(album)
    track = shop.tracks(album)["items"][0]
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"{shop.api}/customers/tracks/{track['id']}/stream",
        "QUERY_STRING": urlsplit(track["stream_url"]).query,
        "HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
    }  # fmt: skip

    body = shop.autonomy.app.app(environ, lambda *_: None)
    first = next(iter(body))

    assert LONG.startswith(first)
    assert len(first) < len(LONG) / 4, "the recording is not in memory as a whole"
    assert connections_in_use(shop) == 0
    body.close()
    assert next(iter(body), None) is None


def test_an_arriving_upload_holds_no_database_connection(shop, address):
    album = shop.album()
    body = FILE + MUSIC + b"\r\n--XX--\r\n"

    with send_headers(shop, address, album, len(body)) as connection:
        connection.sendall(body[:20_000])
        assert wait_until(lambda: any(shop.incoming.glob("*")))
        assert wait_until(lambda: connections_in_use(shop) == 0)
        connection.sendall(body[20_000:])
        assert connection.recv(100).startswith(b"HTTP/1.0 201")


def test_an_interrupted_upload_leaves_neither_file_nor_track(shop, address):
    album = shop.album()

    with send_headers(shop, address, album, 1_000_000) as connection:
        connection.sendall(FILE + MUSIC[:20_000])
        assert wait_until(lambda: any(shop.incoming.glob("*")))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.0 400")
    assert b'"upload_interrupted"' in answer
    assert list(shop.incoming.glob("*")) == []
    listed = shop.autonomy.app.get(f"{shop.api}/admin/products/{album.id}/tracks", headers=shop.staff).json
    assert listed["items"] == []


def test_an_unauthenticated_upload_is_refused_unread(shop, address):
    with send_headers(shop, address, shop.album(), 1_000_000, {"X-Nobody": "1"}) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.0 401")


def test_a_huge_upload_is_refused_before_it_is_sent(shop, address):
    with send_headers(shop, address, shop.album(), 10**12) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.0 413")


def test_an_unauthenticated_chunked_upload_is_refused_unread(shop):
    class Unread:
        def read(self, *_):
            raise AssertionError("the body was read")

    statuses = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"{shop.api}/admin/products/{shop.album().id}/tracks",
        "HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": "multipart/form-data; boundary=XX",
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
        "wsgi.input": Unread(), "wsgi.input_terminated": True,
    }  # fmt: skip

    shop.autonomy.app.app(environ, lambda status, _: statuses.append(status))

    assert statuses == ["401 Unauthorized"]


def test_concurrent_uploads_of_one_file_succeed_once(shop, address):
    album = shop.album()

    statuses = upload_at_once(shop, address, album, [MUSIC] * 4)

    assert sorted(statuses) == [201, 409, 409, 409]


def test_two_uploads_that_end_together_get_successive_positions(shop):
    album = shop.album()

    def add(scope, name):
        upload = Upload(Path(name), name * 64, 1, f"{name}.mp3", {})
        report = TrackReport(facts=AudioFacts(1000, 128_000, 44100, 2, layer=3, vbr=False, frames=38))
        nothing = {"title": None, "artist": None, "position": None}
        return services.add_track(scope, album.id, upload, report, nothing, actor="test").position

    def add_alone(name):
        with shop.autonomy.scope(shop.id) as scope:
            return add(scope, name)

    with ThreadPoolExecutor(1) as pool:
        with shop.autonomy.scope(shop.id) as scope:
            first = add(scope, "a")
            second = pool.submit(add_alone, "b")
            assert wait_until(lambda: second.done() or scope.session.scalar(WAITING_FOR_THIS))
        assert (first, second.result()) == (1, 2)


def test_a_history_that_is_deleted_while_it_is_written_stays_deleted(shop):
    album = shop.album()
    track_id = UUID(shop.upload(album)["track"]["id"])
    LISTENING.played(shop.id, shop.ada.id, track_id, utcnow())
    LISTENING.stopped(shop.id, shop.ada.id, track_id, 100)

    with ThreadPoolExecutor(1) as pool:
        with shop.autonomy.scope(shop.id) as scope:
            delete_history(scope, shop.ada.id)
            writing = pool.submit(flush_all, shop.autonomy.runtime)
            assert wait_until(lambda: writing.done() or scope.session.scalar(WAITING_FOR_THIS))
        writing.result()

    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(Play)).all() == []
        assert scope.session.scalars(select(Position)).all() == []


def test_concurrent_uploads_get_distinct_positions(shop, address):
    album = shop.album()
    files = [music.tag(piece) + material.cbr() for piece in music.PIECES]

    assert upload_at_once(shop, address, album, files) == [201] * 4

    listed = shop.autonomy.app.get(f"{shop.api}/admin/products/{album.id}/tracks", headers=shop.staff).json
    assert [item["position"] for item in listed["items"]] == [1, 2, 3, 4]
    assert list(shop.incoming.glob("*")) == []


def test_concurrent_changes_of_positions_keep_them_distinct(shop, address):
    album = shop.album()
    assert (
        upload_at_once(shop, address, album, [music.tag(each) + material.cbr() for each in music.PIECES])
        == [201] * 4
    )
    url = f"http://{address[0]}:{address[1]}{shop.api}/admin/products/{album.id}/tracks"
    ids = [item["id"] for item in requests.get(url, headers=shop.staff, timeout=60).json()["items"]]

    def move(number):
        return requests.patch(
            f"{url}/{ids[number % 4]}", json={"position": 1}, headers=shop.staff, timeout=60
        )

    def order(number):
        return requests.put(
            f"{url}/order",
            json={"track_ids": ids[number % 4 :] + ids[: number % 4]},
            headers=shop.staff,
            timeout=60,
        )

    def add(number):
        files = {"file": ("a.mp3", material.cbr(48000 if number else 32000))}
        return requests.post(url, files=files, data={"position": "1"}, headers=shop.staff, timeout=60)

    calls = (
        [(move, number) for number in range(8)]
        + [(order, number) for number in range(4)]
        + [(add, 0), (add, 1)]
    )
    with ThreadPoolExecutor(len(calls)) as pool:
        statuses = list(pool.map(lambda call: (call[0].__name__, call[0](call[1]).status_code), calls))

    assert set(statuses) <= {("move", 200), ("order", 200), ("order", 409), ("add", 201)}
    places = [item["position"] for item in requests.get(url, headers=shop.staff, timeout=60).json()["items"]]
    assert len(set(places)) == len(places) == 6


def upload_at_once(shop, address, album, files):
    url = f"http://{address[0]}:{address[1]}{shop.api}/admin/products/{album.id}/tracks"

    def upload(content):
        return requests.post(
            url, files={"file": ("a.mp3", content)}, headers=shop.staff, timeout=60
        ).status_code

    with ThreadPoolExecutor(len(files)) as pool:
        return list(pool.map(upload, files))


def test_players_probe_seek_and_resume(shop, address):
    album = shop.album()
    shop.upload(album)
    shop.sell(album)
    link = urlsplit(shop.tracks(album)["items"][0]["stream_url"])
    url = f"http://{address[0]}:{address[1]}{link.path}?{link.query}"

    with requests.Session() as player:
        probe = player.get(url, headers={"Range": "bytes=0-1"}, timeout=120)
        assert (probe.status_code, probe.content) == (206, MUSIC[:2])
        size = int(re.fullmatch(r"bytes 0-1/(\d+)", probe.headers["Content-Range"])[1])
        seek = {"Range": f"bytes={size // 2}-", "If-Range": probe.headers["ETag"]}
        rest = player.get(url, headers=seek, timeout=120)
    assert (rest.status_code, rest.content) == (206, MUSIC[size // 2 :])
