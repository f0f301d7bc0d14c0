"""Organisations share the threads that read bodies in stores, of which some do not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from autonomy_core.edge.pieces import MOST_EACH, PieceReader, Pieces
from autonomy_core.errors import Unavailable
from autonomy_core.files.area import FileArea
from autonomy_core.files.assembly import AssembledBody, Slice, StoredPart
from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.files.places import Place, storage_of_place
from autonomy_core.kernel.bodies import StreamedBody
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import StoreSettings
from autonomy_core.testing.storage_contract import CONTENT, KEY
from tests.support.silent_server import Silent

LONG_S = 60
AREA = FileArea("parts", lambda settings: Path(), plugin="scores", suffix=".bin")


class Body(StreamedBody):
    """A body of one piece.

    Args:
        give: returns it.
    """

    def __init__(self, give: Callable[[], bytes], organisation_id: str = "acme") -> None:
        self._give, self.organisation_id, self.closed = give, organisation_id, False

    def __len__(self) -> int:
        return 5

    def read(self, most: int) -> bytes:
        return self._give()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


def archive(organisation_id: str, storage: ObjectStorage) -> AssembledBody:
    part = StoredPart(AREA, KEY, len(CONTENT))
    return AssembledBody([Slice(part, 0, part.size)], lambda _: storage, organisation_id)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(LONG_S):
        while not holds():  # noqa: ASYNC110 - it becomes true in another thread
            await asyncio.sleep(0.005)


@pytest.mark.processes
def test_a_store_that_hangs_delays_no_other_organisation(tmp_path: Path, silent: Silent) -> None:
    keys = {"access_key": Secret("AKEXAMPLE"), "secret_key": Secret("hidden-secret")}
    store = StoreSettings("s3://shop", endpoint=silent.endpoint, path_style=True, **keys)
    hanging = storage_of_place(Place(store, "scores", "parts", tmp_path, 600))
    (source := tmp_path / "source").write_bytes(CONTENT)
    answering = ObjectStorage.in_directory(tmp_path / "files")
    answering.put_file(KEY, source)

    async def download() -> None:
        pieces = Pieces(LONG_S)
        waiting = [
            asyncio.ensure_future(PieceReader(archive("acme", hanging), pieces).read(1)) for _ in range(40)
        ]
        await until(lambda: silent.connections >= MOST_EACH)
        reader = PieceReader(archive("beacon", answering), pieces)
        async with asyncio.timeout(LONG_S):
            assert await reader.read(len(CONTENT)) == CONTENT
        assert not any(each.done() for each in waiting)
        assert silent.connections == MOST_EACH
        for each in waiting:
            each.cancel()

    asyncio.run(download())


def test_a_piece_that_does_not_come_in_time_is_an_error_for_the_client() -> None:
    answered = Event()
    bodies = [Body(lambda: b"late" if answered.wait(LONG_S) else b"") for _ in range(MOST_EACH + 1)]

    async def read() -> None:
        pieces = Pieces(0.05)
        readers = [PieceReader(body, pieces) for body in bodies]
        outcomes = await asyncio.gather(*(each.read(1) for each in readers), return_exceptions=True)
        for reader in readers:
            reader.close()
        assert {type(each) for each in outcomes} == {Unavailable}
        in_use = [body.closed for body in bodies]
        answered.set()
        await until(lambda: all(body.closed for body in bodies))
        assert in_use == [False] * MOST_EACH + [True]
        pieces.longest_s = LONG_S
        assert await PieceReader(Body(lambda: b"now"), pieces).read(5) == b"now"

    asyncio.run(read())


def test_an_unexpected_error_of_a_body_keeps_its_traceback() -> None:
    def fail() -> bytes:
        raise RuntimeError("unexpected")

    with capture_logs() as logged, pytest.raises(RuntimeError):
        asyncio.run(PieceReader(Body(fail), Pieces(LONG_S)).read(1))
    assert [(entry["event"], entry["exc_info"]) for entry in logged] == [("answer.not_read", True)]
