"""Files are moved between stores while a server serves and the collection of unused files runs."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autonomy_core.files.administration import move
from autonomy_core.files.area import FileArea
from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.files.storage import storage_key
from autonomy_core.tenancy.stores import FilesSettings, StoreSettings

AREA = FileArea("parts", lambda settings: settings.data / "own", plugin="scores", suffix=".bin")
CONTENTS = (b"one", b"two" * 200_000, b"three")


def scope_in(directory: Path) -> Any:
    new, old = (StoreSettings(f"file://{directory}/{name}") for name in ("new", "old"))
    return SimpleNamespace(
        organisation=SimpleNamespace(id="acme", settings={}),
        server=SimpleNamespace(data=directory, files=FilesSettings(new, old)),
    )


def place(directory: Path, name: str) -> ObjectStorage:
    return ObjectStorage.in_directory(directory / name / "scores" / "parts")


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The keys of files in the old store."""
    keys = []
    for content in CONTENTS:
        (source := tmp_path / "source").write_bytes(content)
        keys.append(storage_key("acme", hashlib.sha256(content).hexdigest(), ".bin"))
        place(tmp_path, "old").put_file(keys[-1], source)
    return keys


def moved_contents(directory: Path, keys: list[str]) -> list[bytes]:
    new = place(directory, "new")
    return [b"".join(new.open_range(key, 0, new.size(key) - 1)) for key in keys]


def test_a_file_that_is_removed_during_a_move_does_not_end_it(
    tmp_path: Path, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = ObjectStorage.open_range

    def removed_before(self: ObjectStorage, key: str, *part: int) -> Any:
        if key == keys[0]:
            self.delete(key)
        return opened(self, key, *part)

    monkeypatch.setattr(ObjectStorage, "open_range", removed_before)
    moved = move(scope_in(tmp_path), AREA)

    assert (moved.copied, moved.damaged) == (2, [])
    monkeypatch.undo()
    assert set(place(tmp_path, "new").keys("acme")) == set(keys[1:])


def test_a_present_file_with_other_bytes_is_replaced(tmp_path: Path, keys: list[str]) -> None:
    (wrong := tmp_path / "source").write_bytes(b"eno")
    place(tmp_path, "new").put_file(keys[0], wrong)

    assert (moved := move(scope_in(tmp_path), AREA)).copied == len(keys)
    assert moved_contents(tmp_path, keys) == list(CONTENTS)
    again = move(scope_in(tmp_path), AREA)
    assert (again.copied, again.present, moved.present) == (0, len(keys), 0)


def test_a_good_file_is_kept_if_its_source_is_damaged(tmp_path: Path, keys: list[str]) -> None:
    move(scope_in(tmp_path), AREA)
    (tmp_path / "old" / "scores" / "parts" / keys[0]).write_bytes(b"eno")

    assert move(scope_in(tmp_path), AREA).damaged == []
    assert moved_contents(tmp_path, keys) == list(CONTENTS)


@pytest.mark.processes
@pytest.mark.parametrize("killed_at", ["chunk", "put", "read back"])
def test_a_killed_move_is_completed_by_the_next(tmp_path: Path, keys: list[str], killed_at: str) -> None:
    child = subprocess.run([sys.executable, __file__, tmp_path, killed_at], check=False)
    assert child.returncode == -signal.SIGKILL
    for key in set(place(tmp_path, "new").keys("acme")):
        assert moved_contents(tmp_path, [key])[0] in CONTENTS, "a file is half there"
    for path in (spool := AREA.incoming(scope_in(tmp_path).server)).iterdir():
        os.utime(path, (0, 0))

    move(scope_in(tmp_path), AREA)

    assert moved_contents(tmp_path, keys) == list(CONTENTS)
    assert list(spool.iterdir()) == [], "the killed process's file is left after a day"


def _move_until_killed(directory: Path, killed_at: str) -> None:
    """Run in a process of its own: begin a move, and kill the process in the middle of a file."""
    opened, put = ObjectStorage.open_range, ObjectStorage.put_file
    target = place(directory, "new")._root

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def chunks(self: ObjectStorage, key: str, *part: int) -> Iterator[bytes]:
        found = opened(self, key, *part)
        if killed_at == "read back" and self._root == target:
            kill()
        for number, chunk in enumerate(found):
            yield chunk
            if killed_at == "chunk" and number:
                kill()

    def then_killed(self: ObjectStorage, key: str, path: Path) -> bool:
        stored = put(self, key, path)
        if killed_at == "put":
            kill()
        return stored

    ObjectStorage.open_range = chunks  # type: ignore[method-assign]
    ObjectStorage.put_file = then_killed  # type: ignore[method-assign]
    move(scope_in(directory), AREA)


if __name__ == "__main__":
    _move_until_killed(Path(sys.argv[1]), sys.argv[2])
