"""A body that cannot be spooled releases what it reserved, and the answer is 503."""

import asyncio
from pathlib import Path
from typing import IO

import pytest

from autonomy_core.edge.body import Body, Spool
from autonomy_core.edge.limits import Limits
from autonomy_core.errors import BrokenOff, Unavailable

SIZE = 3_000_000


def limits(spool: Path) -> Limits:
    return Limits(spool=spool, spool_bytes=SIZE, plain_bytes=SIZE)


async def arrive(spool: Spool, limits: Limits) -> bytes:
    async def receive():
        return {"type": "http.request", "body": bytes(SIZE), "more_body": False}

    body = Body(receive, {"CONTENT_LENGTH": str(SIZE)}, limits, spool)
    try:
        await body.arrive(SIZE)
        return body.in_environ({})["wsgi.input"].read()
    finally:
        body.close()


def test_an_unwritable_spool_refuses_bodies_until_it_is_writable(tmp_path):
    limited = limits(tmp_path / "spool")
    spool = Spool(limited)
    limited.spool.rmdir()
    for _ in range(2):
        with pytest.raises(Unavailable, match="could not be kept"):
            asyncio.run(arrive(spool, limited))
    limited.spool.mkdir()
    assert len(asyncio.run(arrive(spool, limited))) == SIZE


def on_a_full_disk(dir: Path) -> IO[bytes]:
    """A file on a full disk: both the flush of its buffer and its close fail."""
    return open("/dev/full", "wb", buffering=2 * SIZE)  # noqa: PTH123 - closed with the body


def test_a_full_disk_refuses_bodies_until_there_is_space(tmp_path, monkeypatch):
    limited = limits(tmp_path)
    spool = Spool(limited)
    with monkeypatch.context() as patched:
        patched.setattr("tempfile.TemporaryFile", on_a_full_disk)
        for _ in range(2):
            with pytest.raises(Unavailable, match="could not be kept"):
                asyncio.run(arrive(spool, limited))
    assert len(asyncio.run(arrive(spool, limited))) == SIZE


@pytest.mark.parametrize("size", [1000, SIZE + 1000])
def test_a_body_that_was_cut_off_can_be_processed_as_far_as_it_arrived(tmp_path, size):
    messages = [
        {"type": "http.request", "body": bytes(min(size, SIZE)), "more_body": True},
        *([{"type": "http.request", "body": b"1" * 1000, "more_body": True}] if size > SIZE else []),
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    async def arrive():
        body = Body(receive, {"CONTENT_LENGTH": "9999999"}, limited, Spool(limited))
        with pytest.raises(BrokenOff):
            await body.arrive(2 * 9_999_999)
        assert await body.end_early()
        environ = body.in_environ({"CONTENT_LENGTH": "9999999"})
        found = environ["CONTENT_LENGTH"], len(environ["wsgi.input"].read())
        body.close()
        return found

    limited = Limits(spool=tmp_path, spool_bytes=2 * SIZE, plain_bytes=SIZE)
    assert asyncio.run(arrive()) == (str(size), size)
