"""Repeated uploads under one key are compared while they arrive, and stored once."""

from __future__ import annotations

import io
import socket

import pytest

from autonomy_core.idempotency.domain import BLOCK_BYTES
from demo import music
from tests.functional.media_mp3.shop import MUSIC, serving
from tests.unit.media_mp3 import material

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
OTHER_MUSIC = music.tag(music.PIECES[1]) + material.cbr()
LONG_MUSIC = music.tag(material.PIECE) + material.cbr() * 20


def form(content, boundary="XX"):
    head = 'Content-Disposition: form-data; name="file"; filename="a.mp3"'
    body = f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


@pytest.fixture
def album(shop):
    return shop.album()


@pytest.fixture
def upload(shop, album):
    def upload(content, status, boundary="XX"):
        body, content_type = form(content, boundary)
        headers = {**shop.staff, "Idempotency-Key": KEY, "Content-Type": content_type}
        answer = shop.autonomy.app.post(path_of(shop, album), body, headers=headers, status=status)
        assert list(shop.incoming.glob("*")) == [], "a temporary file is left"
        return answer

    return upload


def path_of(shop, album):
    return f"{shop.api}/admin/products/{album.id}/tracks"


def tracks(shop, album):
    return shop.autonomy.app.get(path_of(shop, album), headers=shop.staff).json["items"]


@pytest.mark.parametrize("content", [MUSIC, LONG_MUSIC], ids=["short", "long"])
def test_a_repeated_upload_with_another_boundary_is_one_track(shop, album, upload, content):
    first = upload(content, 201)
    again = upload(content, 201, "another-and-longer-boundary")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first.json
    assert len(tracks(shop, album)) == 1


def test_another_file_under_the_same_key_is_refused_and_not_stored(shop, album, upload):
    upload(MUSIC, 201)
    assert upload(OTHER_MUSIC, 422).json["code"] == "idempotency_key_reused"
    assert len(tracks(shop, album)) == 1
    assert upload(MUSIC, 201).headers["Idempotent-Replayed"] == "true"


def test_a_file_that_was_refused_can_be_replaced_under_the_same_key(shop, album, upload):
    assert upload(b"no music", 422).json["code"] == "not_playable"
    upload(MUSIC, 201)


class Pieces(io.RawIOBase):
    """A body that is read in pieces, or not at all."""

    def __init__(self, body, largest):
        super().__init__()
        self._body, self._largest = io.BytesIO(body), largest

    def read(self, size=-1):
        assert 0 <= size <= self._largest, f"{size} bytes are read at once"
        return self._body.read(size)


@pytest.fixture
def raw(shop, album):
    """Repeats an upload through a body of the test's own; gives the status."""

    def raw(body, content_type, largest, **environ):
        statuses = []
        request = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path_of(shop, album),
            "HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": content_type, "HTTP_IDEMPOTENCY_KEY": KEY,
            "HTTP_AUTHORIZATION": shop.staff["Authorization"],
            "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.input": Pieces(body, largest),
            **environ,
        }  # fmt: skip
        shop.autonomy.app.app(request, lambda status, _: statuses.append(status))
        return statuses

    return raw


def test_a_repeated_upload_is_compared_in_chunks(upload, raw):
    upload(LONG_MUSIC, 201)
    body, content_type = form(LONG_MUSIC)
    assert len(body) > 2 * BLOCK_BYTES
    assert raw(body, content_type, BLOCK_BYTES, CONTENT_LENGTH=str(len(body))) == ["201 Created"]
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert raw(body, content_type, BLOCK_BYTES, **chunked) == ["201 Created"]


def test_a_much_longer_repetition_is_refused_early(upload, raw):
    upload(MUSIC, 201)
    body, content_type = form(LONG_MUSIC * 4)
    assert raw(body, content_type, 0, CONTENT_LENGTH=str(len(body))) == ["422 Unprocessable Entity"]
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert raw(body, content_type, BLOCK_BYTES, **chunked) == ["422 Unprocessable Entity"]


def test_an_interrupted_repetition_is_refused_and_keeps_the_key(upload, raw):
    upload(LONG_MUSIC, 201)
    body, content_type = form(LONG_MUSIC)
    answer = raw(body[:-10_000], content_type, BLOCK_BYTES, CONTENT_LENGTH=str(len(body)))
    assert answer == ["400 Bad Request"]
    assert upload(LONG_MUSIC, 201).headers["Idempotent-Replayed"] == "true"


def test_an_arriving_repetition_holds_no_database_connection(committed_shop):
    shop = committed_shop
    album = shop.album()
    body, content_type = form(LONG_MUSIC)
    headers = {**shop.staff, "Idempotency-Key": KEY, "Content-Type": content_type}
    shop.autonomy.app.post(path_of(shop, album), body, headers=headers, status=201)
    lines = [f"POST {path_of(shop, album)} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    seen = []

    class Watched(io.RawIOBase):
        def read(self, size=-1):
            seen.append(shop.autonomy.database.engine.pool.checkedout())
            return self.source.read(size)

    def watched(environ, start_response):
        watch = Watched()
        watch.source, environ["wsgi.input"] = environ["wsgi.input"], watch
        return shop.autonomy.app.app(environ, start_response)

    with serving(watched) as address, socket.create_connection(address) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        assert connection.recv(100).startswith(b"HTTP/1.0 201")
    assert len(seen) > 1
    assert set(seen) == {0}
