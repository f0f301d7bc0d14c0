"""Files are moved between stores while a server serves and the collection of unused files runs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autonomy_core.files.administration import move
from autonomy_core.files.area import FileArea
from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.files.storage import storage_key
from autonomy_core.tenancy.stores import FilesSettings, StoreSettings


def test_a_file_that_is_removed_during_a_move_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = FileArea("parts", lambda settings: settings.data / "own", plugin="scores", suffix=".bin")
    stores = FilesSettings(StoreSettings(f"file://{tmp_path}/new"), StoreSettings(f"file://{tmp_path}/old"))
    scope: Any = SimpleNamespace(
        organisation=SimpleNamespace(id="acme", settings={}),
        server=SimpleNamespace(data=tmp_path, files=stores),
    )
    old = ObjectStorage.in_directory(tmp_path / "old" / "scores" / "parts")
    keys = []
    for content in (b"one", b"two"):
        (source := tmp_path / "source").write_bytes(content)
        keys.append(storage_key("acme", hashlib.sha256(content).hexdigest(), ".bin"))
        old.put_file(keys[-1], source)
    opened = ObjectStorage.open_range

    def removed_before(self: ObjectStorage, key: str, *part: int) -> Any:
        if key == keys[0]:
            self.delete(key)
        return opened(self, key, *part)

    monkeypatch.setattr(ObjectStorage, "open_range", removed_before)
    moved = move(scope, area)

    assert (moved.copied, moved.damaged) == (1, [])
    monkeypatch.undo()
    new = ObjectStorage.in_directory(tmp_path / "new" / "scores" / "parts")
    assert list(new.keys("acme")) == [keys[1]]
