"""The parts of the edge without a connection: limits per client, time limits, the WSGI environ."""

import asyncio
import io
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from autonomy_core.edge.answer import SMALL_BYTES, FileAnswer, call
from autonomy_core.edge.application import Edge
from autonomy_core.edge.body import Unread
from autonomy_core.edge.crowd import Crowd
from autonomy_core.edge.environ import make_environ
from autonomy_core.edge.limits import Limits
from autonomy_core.errors import TooManyRequests
from autonomy_core.traversal.target import LARGEST_BODY, REFUSAL

LIMITS = Limits(spool=Path("nowhere"), body_s=30, least_rate=1000, longest_s=3600)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("203.0.113.9", "::ffff:203.0.113.9"),
        ("203.0.113.9:52011", "203.0.113.9:52012"),
        ("an unknown client", "an unknown client"),
    ],
)
def test_addresses_of_one_client_count_together(one, other):
    crowd = Crowd(1)
    with crowd.joined(one), pytest.raises(TooManyRequests), crowd.joined(other):
        pass


def test_the_limit_is_per_client_and_released_at_the_end():
    crowd = Crowd(1)
    for _ in range(2):
        with ExitStack() as counted:
            for address in (
                "203.0.113.9", "203.0.113.10", "203.0.113.11:52011", "2001:db8::1", "[2001:db8:0:1::1]:52011",
                "unix:one", "unix:other",
            ):  # fmt: skip
                counted.enter_context(crowd.joined(address))


@pytest.mark.parametrize(("received", "seconds"), [(0, 30), (10_000, 40), (10**9, 3600)])
def test_the_time_for_a_body_grows_with_what_has_arrived(received, seconds):
    assert LIMITS.allowed_s(received) == seconds


def scope(*headers, raw_path=b"/acme/api", version="1.1"):
    return {
        "method": "GET", "raw_path": raw_path, "query_string": b"a=%2f", "http_version": version,
        "scheme": "http", "server": ("127.0.0.1", "80"), "client": ("203.0.113.9", "5"),
        "headers": list(headers),
    }  # fmt: skip


def test_a_path_is_given_decoded_and_raw():
    environ = make_environ(scope(raw_path=b"/a%2Fb/%c3%a4"))
    assert environ["PATH_INFO"] == "/a/b/\xc3\xa4"
    assert environ["REQUEST_URI"] == "/a%2Fb/%c3%a4?a=%2f"


def test_headers_of_one_name_are_joined_and_an_underscore_is_no_hyphen():
    environ = make_environ(
        scope((b"host", b"a"), (b"host", b"b"), (b"x_forwarded_for", b"1"), (b"content-type", b"t"))
    )
    assert (environ["HTTP_HOST"], environ["CONTENT_TYPE"]) == ("a,b", "t")
    assert "HTTP_X_FORWARDED_FOR" not in environ


def test_only_http_1_0_may_omit_the_host():
    assert make_environ(scope((b"host", b"")))["HTTP_HOST"] == ""
    assert "HTTP_HOST" not in make_environ(scope((b"host", b""), version="1"))


@pytest.mark.parametrize(
    "reading",
    [
        lambda body: body.read(1),
        lambda body: body.readline(),
        list,
        lambda body: io.BufferedReader(body).read(1),
    ],
)
def test_a_request_is_run_again_when_its_body_has_not_arrived(reading, tmp_path):
    def application(environ, start_response):
        environ["wsgi.input"].seek(0)
        try:
            reading(environ["wsgi.input"])
        except Exception as error:
            raise AssertionError("a handler of errors has caught it") from error

    assert call(application, {"wsgi.input": Unread()}, tmp_path) is None


@pytest.mark.parametrize("kind", [iter, list])
def test_a_large_answer_is_buffered_in_a_file(tmp_path, kind):
    def application(environ, start_response):
        start_response("200 OK", [("X-Name", "value")])
        return kind([b"x" * 1000] * (SMALL_BYTES // 1000 + 2))

    answer = call(application, {}, tmp_path)
    assert (answer.status, answer.headers) == (200, [(b"x-name", b"value")])
    assert isinstance(answer.body, FileAnswer)
    with closing(answer.body):
        assert sum(map(len, answer.body)) == (SMALL_BYTES // 1000 + 2) * 1000
    assert list(tmp_path.iterdir()) == []


def test_a_large_answer_is_sent_although_it_cannot_be_spooled(tmp_path):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [b"x" * (SMALL_BYTES + 1)]

    assert len(call(application, {}, tmp_path / "gone").body) == SMALL_BYTES + 1


@pytest.mark.parametrize(("keeps_part", "processed"), [(True, [b"12345"]), (False, [])])
def test_a_small_part_that_is_cut_off_at_once_may_be_kept(tmp_path, keeps_part, processed):
    messages = [{"type": "http.request", "body": b"12345", "more_body": True}, {"type": "http.disconnect"}]
    read, sent = [], []

    async def receive():
        # The server reports the end once.
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    def application(environ, start_response):
        start_response("200 OK", [])
        if environ.get(REFUSAL) is not None:
            return [environ[REFUSAL].code.encode()]
        if LARGEST_BODY in environ:
            environ[LARGEST_BODY].keeps_part = keeps_part
        read.append(environ["wsgi.input"].read())
        return [b""]

    async def answered():
        edge = Edge(application, Limits(spool=tmp_path), threads=1)
        async with asyncio.timeout(20):
            await edge(scope((b"content-length", b"10")), receive, send)

    asyncio.run(answered())
    assert read == processed
    assert sent[-1]["body"] == b"request_broken_off"
