"""Files that are made of stored files and of bytes between them."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.files.area import FileArea
from autonomy_core.files.assembly import (
    MOST_AT_ONCE,
    AssembledBody,
    AssembledFile,
    StoredPart,
    size_of,
    slices,
)
from autonomy_core.files.errors import StorageUnavailable
from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.files.storage import storage_key

AREA = FileArea("trial", lambda settings: Path(), plugin="trial", suffix=".bin")


def stored(content, size=None):
    key = storage_key("acme", sha256(content).hexdigest(), ".bin")
    return StoredPart(AREA, key, len(content) if size is None else size)


@pytest.fixture
def storage(tmp_path):
    return ObjectStorage.in_directory(tmp_path / "files")


@pytest.fixture
def keep(storage, tmp_path):
    def store(content):
        (path := tmp_path / "new").write_bytes(content)
        storage.put_file(stored(content).key, path)
        return stored(content)

    return store


class Remote:
    """A storage on another machine, which notes what it is asked for."""

    def __init__(self, storage):
        self._storage, self.asked = storage, []

    def open_local(self, *_):
        return None

    def open_range(self, key, start, end_inclusive):
        self.asked.append((start, end_inclusive))
        return self._storage.open_range(key, start, end_inclusive)


PARTS = st.lists(st.one_of(st.binary(max_size=9), st.integers(0, 30).map(lambda n: stored(b"", n))))


@given(parts=PARTS, data=st.data())
def test_slices_of_a_range_are_the_range_of_the_whole(parts, data):
    whole = list(chain.from_iterable(((part, byte) for byte in range(size_of(part))) for part in parts))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    found = [(each.part, byte) for each in slices(parts, start, end) for byte in range(each.start, each.end)]
    assert found == whole[start:end]
    assert all(each.start < each.end for each in slices(parts, start, end))


@pytest.mark.parametrize("is_remote", [False, True])
@pytest.mark.parametrize("most", [1, 7, 64 * 1024])
def test_a_body_reads_local_and_remote_files_alike(storage, keep, is_remote, most):
    parts = [b"head", keep(b"abc" * 50), b"", b"between", keep(b"xyz"), b"tail"]
    whole = b"head" + b"abc" * 50 + b"between" + b"xyz" + b"tail"
    source = Remote(storage) if is_remote else storage
    for start, end in ((0, len(whole)), (3, 6), (10, 165), (160, len(whole))):
        body = AssembledBody(slices(parts, start, end), lambda _: source, "acme")
        assert len(body) == end - start
        body.begin()
        assert b"".join(iter(partial(body.read, most), b"")) == whole[start:end]


def test_a_remote_file_is_asked_for_in_pieces_of_limited_size(storage, keep):
    content = bytes(2 * MOST_AT_ONCE + 10)
    remote = Remote(storage)
    body = AssembledBody(slices([keep(content)], 5, len(content)), lambda _: remote, "acme")
    assert b"".join(body) == content[5:]
    assert remote.asked == [
        (5, MOST_AT_ONCE + 4),
        (MOST_AT_ONCE + 5, 2 * MOST_AT_ONCE + 4),
        (2 * MOST_AT_ONCE + 5, len(content) - 1),
    ]


def test_one_file_is_open_at_a_time_and_none_after_the_end(storage, keep):
    opened = []

    def open_local(key, start, end_inclusive):
        assert all(file.closed for file in opened)
        opened.append(storage.open_local(key, start, end_inclusive))
        return opened[-1]

    source = SimpleNamespace(open_local=open_local)
    parts = [keep(b"one"), b"and", keep(b"two")]
    body = AssembledBody(slices(parts, 0, 9), lambda _: source, "acme")
    assert b"".join(body) == b"oneandtwo"
    assert [file.closed for file in opened] == [True, True]

    begun = AssembledBody(slices(parts, 0, 9), lambda _: source, "acme")
    begun.read(1)
    begun.close()
    assert (begun.read(1), opened[-1].closed) == (b"", True)


def test_a_missing_or_short_file_is_an_error_before_its_first_byte(storage, keep):
    short = keep(b"short")
    for part in (stored(b"never stored"), StoredPart(AREA, short.key, 6)):
        with pytest.raises(StorageUnavailable):
            AssembledBody(slices([part], 0, part.size), lambda _: storage, "acme").begin()


def test_the_digest_says_when_any_byte_is_another():
    def digest(*parts):
        return AssembledFile("trial/whole", "application/zip", parts).digest

    one, two = stored(b"one"), stored(b"two")
    same = [digest(b"a", one, b"b"), digest(b"a", stored(b"one"), b"b")]
    others = [digest(b"a", two, b"b"), digest(b"a", one, b"c"), digest(b"a", one), digest(b"a", b"b", one)]
    assert len({*same}) == 1
    assert len({*same, *others}) == 5
    assert AssembledFile("trial/whole", "application/zip", (b"ab", one)).size == 5
