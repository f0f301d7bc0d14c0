"""A store belongs to an organisation, so each answer of it that cannot be is a failure of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from autonomy_core.files.breaker import Breaker, StoreDoesNotAnswer
from autonomy_core.files.uploads.multipart import MultipartObject, StoredPart
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import StoreSettings

pytestmark = pytest.mark.processes

MANY = 200_000


@pytest.fixture
def answers() -> dict[str, bytes]:
    """What the store answers to each method."""
    return {}


@pytest.fixture
def stored(answers: dict[str, bytes]) -> Iterator[MultipartObject]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers[self.command]
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        keys = {"access_key": Secret("access"), "secret_key": Secret("secret")}
        store = StoreSettings("s3://shop", endpoint, None, True, **keys)
        yield MultipartObject(store, "uploads/one", 30, Breaker())
        server.shutdown()
        thread.join()


def test_parts_are_read_from_the_list(stored: MultipartObject, answers: dict[str, bytes]) -> None:
    part = "<Part><PartNumber>{0}</PartNumber><ETag>&quot;{0}&quot;</ETag><Size>5</Size></Part>"
    answers["GET"] = f"<ListPartsResult>{part.format(1)}\n{part.format(2)}</ListPartsResult>".encode()
    assert stored.parts("id") == {1: StoredPart(5, '"1"'), 2: StoredPart(5, '"2"')}


@pytest.mark.parametrize(
    "answer",
    [
        "<Part>" * MANY,
        "<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>",
        f"<Part><PartNumber>{'9' * 5000}</PartNumber><ETag>a</ETag><Size>1</Size></Part>",
        "<Part><PartNumber>-1</PartNumber><ETag>a</ETag><Size>1</Size></Part>",
        "x" * (2 * 1024**2 + 1),
    ],
)
def test_other_lists_are_failures(stored: MultipartObject, answers: dict[str, bytes], answer: str) -> None:
    answers["GET"] = answer.encode()
    with pytest.raises(OSError, match="the store"):
        stored.parts("id")


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (MultipartObject.begin, "<UploadId></UploadId>"),
        (MultipartObject.begin, "<UploadId>a\0b</UploadId>"),
        (lambda it: it.complete("id", {}), "<Error><Code>InternalError</Code></Error>"),
    ],
)
def test_a_success_without_its_result_is_a_failure(
    stored: MultipartObject,
    answers: dict[str, bytes],
    ask: Callable[[MultipartObject], object],
    answer: str,
) -> None:
    answers["POST"] = answer.encode()
    with pytest.raises(OSError, match="the store"):
        ask(stored)


@pytest.mark.parametrize(
    ("told", "given"),
    [(b"1234", b"12345"), (b"123456", b"12345"), (b"12345", b"123456"), (b"12345", b"1234")],
)
def test_an_object_of_another_size_than_announced_is_not_read(
    stored: MultipartObject, answers: dict[str, bytes], told: bytes, given: bytes
) -> None:
    answers |= {"HEAD": told, "GET": given}
    with pytest.raises(OSError, match=r"the (object|answer)"):
        list(stored.chunks(5))
    answers |= {"HEAD": b"12345", "GET": b"12345"}
    assert b"".join(stored.chunks(5)) == b"12345"


def test_a_store_that_does_not_answer_is_spared() -> None:
    keys = {"access_key": Secret("access"), "secret_key": Secret("secret")}
    # Nothing listens there.
    store = StoreSettings("s3://shop", "http://127.0.0.1:9", None, True, **keys)
    silent = MultipartObject(store, "uploads/one", 30, Breaker())
    with pytest.raises(OSError, match="did not answer: ConnectionError"):
        silent.size()
    with pytest.raises(StoreDoesNotAnswer):
        silent.begin()
