"""Manifests are written last and validated when they are read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autonomy_core.backup.domain import (
    DUMP,
    FORMAT,
    MANIFEST,
    UNFINISHED,
    BackupError,
    FileFacts,
    Manifest,
    claim,
    compare_counts,
    finish,
    read_manifest,
)

WRITTEN = Manifest(
    format=FORMAT,
    version="1.0",
    taken_at="2026-11-29T10:00:00+00:00",
    postgresql=18,
    secret="0" * 64,
    revisions={"autonomy_core": "0001"},
    tables={"public.customers": 2},
    files={"database.dump": FileFacts(3, "ab")},
    gaps=["files/media: one is missing"],
)


def test_a_written_manifest_is_read_and_no_partial_file_is_left(tmp_path: Path) -> None:
    claim(tmp_path / "new")
    finish(tmp_path / "new", WRITTEN)
    assert read_manifest(tmp_path / "new") == WRITTEN
    assert [path.name for path in (tmp_path / "new").iterdir()] == [MANIFEST]


def test_a_directory_is_claimed_once(tmp_path: Path) -> None:
    claim(tmp_path)
    with pytest.raises(BackupError, match="is not empty"):
        claim(tmp_path)
    with pytest.raises(BackupError, match="never finished"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"files": 1},
        {"files": {"a": {"size": 1}}},
        {"files": {"a": {"size": "1", "sha256": "ab"}}},
        {"files": {"a": {"size": 1, "sha256": 1}}},
        {"files": {"a\0b": {"size": 1, "sha256": "ab"}}},
        {"tables": None},
        {"tables": {"a": True}},
        {"revisions": ["0001"]},
        {"taken_at": "yesterday"},
        {"taken_at": "2026-11-29T10:00:00"},
        {"secret": None},
        {"gaps": "none"},
        {"postgresql": "18"},
        {"format": "x"},
        {"format": None},
        {"format": 1e400},
    ],
)
def test_a_manifest_with_unknown_content_is_refused_with_a_message(
    tmp_path: Path, change: dict[str, object]
) -> None:
    claim(tmp_path)
    finish(tmp_path, WRITTEN)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BackupError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "dump", [None, b"", b"PGDMP", b"PGDMP\x01\x10\0\x04\x08\x01" + b"\xff" * 99, b"text" * 99]
)
def test_a_first_format_manifest_with_a_wrong_dump_is_refused(tmp_path: Path, dump: bytes | None) -> None:
    claim(tmp_path)
    finish(tmp_path, WRITTEN)
    path = tmp_path / MANIFEST
    content = json.loads(path.read_text()) | {"format": 1}
    del content["postgresql"]
    path.write_text(json.dumps(content))
    if dump is not None:
        (tmp_path / DUMP).write_bytes(dump)
    with pytest.raises(BackupError, match=r"manifest\.json is damaged: database\.dump"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, "\ufeff{}", '{"format": 1}'])
def test_a_file_that_is_no_manifest_is_refused_with_a_message(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(BackupError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


def test_a_binary_manifest_is_refused_with_a_message(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe")
    with pytest.raises(BackupError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


def test_a_file_in_place_of_the_backup_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BackupError, match="a file is in its place"):
            claim(directory)
        with pytest.raises(BackupError, match="there is no such directory"):
            read_manifest(directory)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "files/../../x"])
def test_a_path_that_leads_out_of_the_backup_is_refused(tmp_path: Path, name: str) -> None:
    claim(tmp_path)
    finish(tmp_path, replace(WRITTEN, files={name: FileFacts(1, "a")}))
    with pytest.raises(BackupError, match="leads out of the backup"):
        read_manifest(tmp_path)


def test_an_unfinished_manifest_is_not_a_manifest(tmp_path: Path) -> None:
    claim(tmp_path)
    assert (tmp_path / UNFINISHED).read_bytes() == b""


def test_tables_that_differ_are_named_with_both_numbers() -> None:
    assert compare_counts({"a": 1, "b": 2, "c": 0}, {"a": 1, "b": 3, "d": 0}) == [
        "b: 3 for 2",
        "c: none for 0",
        "d: 0 for none",
    ]
