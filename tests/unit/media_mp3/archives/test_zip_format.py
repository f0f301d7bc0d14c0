"""Archives as other programs read them, and as their bytes are known before there are any."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_mp3.archives.domain import Member, zip_parts

MOMENT = datetime(2026, 11, 30, 14, 20, 8, tzinfo=UTC)
CONTENTS = {
    "An album/01 Night Ferry.flac": b"fLaC" + bytes(3000),
    "An album/02 Ça va, 夜の船.flac": b"fLaC" + bytes(range(256)) * 9,
    "An album/credits.txt": b"Mixing: Ada\n",
    "An album/empty.txt": b"",
}
READERS = {
    "unzip": ["unzip", "-tqq"],
    "7z": ["7z", "t", "-bd"],
    "bsdtar": ["bsdtar", "-tf"],
}
GIB = 2**30


def member(name, content, changed_at=MOMENT):
    return Member(name, len(content), zlib.crc32(content), changed_at, content)


def archive(tmp_path, contents=CONTENTS):
    (path := tmp_path / "whole.zip").write_bytes(
        b"".join(zip_parts([member(*each) for each in contents.items()]))
    )
    return path


def test_python_reads_each_member_with_its_name_and_time(tmp_path):
    with zipfile.ZipFile(archive(tmp_path)) as opened:
        assert opened.testzip() is None
        assert {info.filename: opened.read(info) for info in opened.infolist()} == CONTENTS
        for info in opened.infolist():
            assert info.date_time == (2026, 11, 30, 14, 20, 8)
            assert info.compress_type == zipfile.ZIP_STORED
            assert info.flag_bits == 1 << 11
            assert info.external_attr >> 16 == 0o100644


@pytest.mark.processes
@pytest.mark.parametrize("reader", READERS)
def test_other_programs_find_nothing_wrong(tmp_path, reader):
    if shutil.which(reader) is None:
        pytest.skip(f"{reader} is not installed")
    outcome = subprocess.run(
        [*READERS[reader], archive(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_an_archive_of_nothing_is_one(tmp_path):
    with zipfile.ZipFile(archive(tmp_path, {})) as opened:
        assert opened.namelist() == []


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), (2025, 12, 31, 22, 30, 0)),
        (datetime(1970, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2200, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
    ],
)
def test_times_are_in_utc_and_within_what_the_format_knows(tmp_path, moment, shown):
    (path := tmp_path / "one.zip").write_bytes(b"".join(zip_parts([member("a", b"a", moment)])))
    with zipfile.ZipFile(path) as opened:
        assert opened.infolist()[0].date_time == shown


class Hole:
    """A member's content that is as large as it says, and takes no space."""

    def __init__(self, size):
        self.size = size


def written(path, parts):
    """Write an archive, with holes where its members are."""
    with path.open("wb") as file:
        for part in parts:
            if isinstance(part, Hole):
                file.seek(part.size, 1)
            else:
                file.write(part)
    return path


SIZES = st.one_of(st.integers(0, 100), st.sampled_from([4 * GIB - 2, 4 * GIB - 1, 4 * GIB, 5 * GIB + 1]))


@given(sizes=st.lists(SIZES, max_size=6))
def test_members_and_archives_beyond_4_gib_are_found(tmp_path_factory, sizes):
    members = [Member(f"{n}.wav", size, 0, MOMENT, Hole(size)) for n, size in enumerate(sizes)]
    parts = list(zip_parts(members))
    path = written(tmp_path_factory.mktemp("large") / "large.zip", parts)
    with zipfile.ZipFile(path) as opened:
        assert [(info.filename, info.file_size) for info in opened.infolist()] == [
            (each.name, each.size) for each in members
        ]
        for info, each in zip(opened.infolist(), members, strict=True):
            with opened.open(info):  # reads the member's own header, which has to agree
                pass
            assert info.compress_size == each.size
    path.unlink()


@pytest.mark.processes
@pytest.mark.parametrize("reader", READERS)
def test_other_programs_list_an_archive_beyond_4_gib(tmp_path, reader):
    if shutil.which(reader) is None:
        pytest.skip(f"{reader} is not installed")
    sizes = [10, 5 * GIB, 10]
    members = [Member(f"{n}.wav", size, 0, MOMENT, Hole(size)) for n, size in enumerate(sizes)]
    path = written(tmp_path / "large.zip", zip_parts(members))
    command = {"unzip": ["unzip", "-l"], "7z": ["7z", "l"], "bsdtar": ["bsdtar", "-tvf"]}[reader]
    outcome = subprocess.run([*command, path], capture_output=True, text=True, check=False, timeout=60)
    assert (outcome.returncode, str(5 * GIB) in outcome.stdout, "2.wav" in outcome.stdout) == (0, True, True)


def test_more_members_than_16_bits_count(tmp_path):
    members = [Member(str(n), 0, 0, MOMENT, b"") for n in range(65_536)]
    (path := tmp_path / "many.zip").write_bytes(b"".join(zip_parts(members)))
    with zipfile.ZipFile(path) as opened:
        assert len(opened.infolist()) == 65_536
