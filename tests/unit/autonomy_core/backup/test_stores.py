"""A backup contains the files of stores on other servers, and a restoration puts them back there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autonomy_core.backup.domain import BackupError
from autonomy_core.backup.files import facts_of
from autonomy_core.backup.stores import area_of, copy_area, own_stores, put_back
from autonomy_core.files.area import FileArea
from autonomy_core.files.storage import storage_key
from autonomy_core.kernel.manager import Plugins
from autonomy_core.tenancy.stores import FilesSettings, StoreSettings
from tests.support.s3_server import S3Server

AREA = FileArea("parts", lambda settings: settings.data / "own", plugin="scores", suffix=".bin")


def put(storage: Any, organisation_id: str, content: bytes, path: Path) -> str:
    path.write_bytes(content)
    key = storage_key(organisation_id, hashlib.sha256(content).hexdigest(), ".bin")
    storage.put_file(key, path)
    return key


@pytest.mark.processes
def test_files_are_copied_from_every_store_once_and_put_back(tmp_path: Path, s3: S3Server) -> None:
    own = {"nightjar": s3.store("shop/nightjars-own")}
    settings: Any = SimpleNamespace(
        data=tmp_path, files=FilesSettings(s3.store("shop/backed-up"), StoreSettings())
    )
    storage, its_own = AREA.storage(settings), AREA.storage(settings, own["nightjar"])
    before = AREA.storage(SimpleNamespace(data=tmp_path, files=FilesSettings()))  # type: ignore[arg-type]
    keys = {
        put(storage, "harbour", b"new", tmp_path / "file"),
        put(before, "harbour", b"not moved yet", tmp_path / "file"),
        put(its_own, "nightjar", b"in a bucket of its own", tmp_path / "file"),
    }
    keys |= {put(each, "harbour", b"in both", tmp_path / "file") for each in (storage, before)}

    area = area_of("scores", AREA, settings, own)
    copied = dict(copy_area(area, tmp_path / "backup"))

    assert copied.keys() == {f"files/scores/parts/{key}" for key in keys}
    assert all(facts_of(tmp_path / "backup" / name) == facts for name, facts in copied.items())

    empty = SimpleNamespace(data=tmp_path / "other", files=FilesSettings(s3.store("shop/restored")))
    area = area_of("scores", AREA, empty, {"nightjar": s3.store("shop/restored-own")})  # type: ignore[arg-type]
    assert put_back(area, tmp_path / "backup", copied) == 4
    assert put_back(area, tmp_path / "backup", copied) == 0, "an interrupted one can be repeated"
    restored = AREA.storage(empty)  # type: ignore[arg-type]
    assert len(list(restored.keys("harbour"))) == 3
    assert list(restored.keys("nightjar")) == []
    (key,) = AREA.storage(empty, s3.store("shop/restored-own")).keys("nightjar")  # type: ignore[arg-type]
    assert key in keys


@pytest.mark.processes
def test_a_store_that_refuses_fails_the_backup_with_its_address(tmp_path: Path, s3: S3Server) -> None:
    settings: Any = SimpleNamespace(
        data=tmp_path, files=FilesSettings(s3.store("shop", secret_key="hidden-secret"))
    )
    area = area_of("scores", AREA, settings, {})
    with pytest.raises(BackupError, match=r"s3://shop/scores/parts cannot be used: .*403") as error:
        list(copy_area(area, tmp_path / "backup"))
    assert "hidden-secret" not in str(error.value)


@pytest.mark.processes
def test_a_damaged_file_in_a_store_fails_the_backup(tmp_path: Path, s3: S3Server) -> None:
    settings: Any = SimpleNamespace(data=tmp_path, files=FilesSettings(s3.store("shop/damaged")))
    (file := tmp_path / "file").write_bytes(b"other bytes than the name says")
    AREA.storage(settings).put_file(storage_key("harbour", "ab" * 32, ".bin"), file)
    with pytest.raises(BackupError, match="is damaged"):
        list(copy_area(area_of("scores", AREA, settings, {}), tmp_path / "backup"))


def test_an_organisation_whose_store_is_not_known_is_told(tmp_path: Path) -> None:
    head = "[organisation]\nname = A\ncurrency = eur\n"
    (tmp_path / "harbour.ini").write_text(head + "[files]\nurl = s3://harbour\n")
    (tmp_path / "nightjar.ini").write_text(head + "hosts = :::\n")
    keys = "access_key = AK\nsecret_key = hidden\n"
    (tmp_path / "owl.ini").write_text(f"{head}[files]\nurl = s3://owl\n{keys}")

    found, unknown = own_stores(Plugins({}), SimpleNamespace(tenants=tmp_path))  # type: ignore[arg-type]

    assert (list(found), unknown) == (["owl"], ["harbour"])
