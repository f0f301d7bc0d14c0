"""``autonomy files``: what staff have uploaded is compared with the stores, and moved to another one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from autonomy_core.cli.context import CliContext
from autonomy_core.cli.files import files
from autonomy_core.files.storage import storage_key
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import FilesSettings, StoreSettings
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import material


@pytest.fixture
def run(autonomy, monkeypatch):
    """Run the command with the application's runtime, or with other settings of stores."""

    def run(*arguments, stores=None, status=0):
        runtime = autonomy.runtime
        if stores is not None:
            runtime = replace(runtime, settings=replace(runtime.settings, files=stores))
        cli = CliContext()
        vars(cli).update(_runtime=runtime, plugins=runtime.plugins)
        result = CliRunner().invoke(files, arguments, obj=cli)
        assert result.exit_code == status, result.output
        return result.output

    return run


def path_of(shop, track):
    root = shop.autonomy.runtime.settings.data / "media" / "files"
    return root / storage_key(shop.id, track["sha256"], ".mp3")


def moved_recordings(report):
    """How many recordings were copied, present and damaged. All other areas have no files."""
    areas = {each["files"]: (each["copied"], each["present"], each["damaged"]) for each in report["areas"]}
    recordings = areas.pop("media_mp3/recordings")
    assert set(areas.values()) == {(0, 0, 0)}
    return recordings


def test_missing_damaged_and_unreferenced_files_are_found(make_shop, run):
    shop = make_shop("checked")
    album = shop.album()
    missing = path_of(shop, shop.upload(album, MUSIC)["track"])
    cut = path_of(shop, shop.upload(album, material.cbr(48000))["track"])
    assert "agree" in run("check", "checked")

    missing.unlink()
    cut.write_bytes(b"cut")
    (orphan := cut.parents[1] / "00" / f"{'0' * 64}.mp3").parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x")
    try:
        found = json.loads(run("check", "checked", "--json", status=1))
        assert {(each["finding"], each["key"].rpartition("/")[2]) for each in found} == {
            ("missing", missing.name), ("wrong_size", cut.name), ("unreferenced", orphan.name)
        }  # fmt: skip
        assert {each["files"] for each in found} == {"media_mp3/recordings"}
    finally:
        orphan.unlink()
        cut.unlink()


def test_files_are_moved_once_and_a_damaged_one_is_left(make_shop, run, tmp_path):
    shop = make_shop("moving")
    album = shop.album()
    good = path_of(shop, shop.upload(album, MUSIC)["track"])
    bad = path_of(shop, shop.upload(album, material.cbr(48000))["track"])
    whole = bad.read_bytes()
    bad.write_bytes(bytes(len(whole)))
    stores = FilesSettings(StoreSettings(f"file://{tmp_path}/new"), StoreSettings())

    first = json.loads(run("move", "moving", "--json", stores=stores, status=1))
    assert moved_recordings(first) == (1, 0, 1)
    assert first["damaged"][0]["key"].endswith(bad.name)
    bad.write_bytes(whole)
    second = json.loads(run("move", "moving", "--json", stores=stores))
    assert moved_recordings(second) == (1, 1, 0)

    moved = tmp_path / "new" / "media_mp3" / "recordings" / "moving"
    assert {path.name for path in moved.rglob("*.mp3")} == {good.name, bad.name}
    assert good.exists(), "nothing is deleted"
    assert "agree" in run("check", "moving", stores=FilesSettings(stores.store))
    assert "no key of the ini files" in run("move", "moving", "--to", "s3://elsewhere", status=2)


def test_collecting_runs_the_job_of_the_plugin(make_shop, run):
    make_shop("collected")
    assert "collected: media_mp3.collect has run" in run("collect", "collected")


def test_collecting_fails_if_a_store_cannot_be_listed(make_shop, run, tmp_path):
    make_shop("unlisted")
    keys = {name: Secret("x" * 8) for name in ("access_key", "secret_key")}
    gone = StoreSettings("s3://gone/x", endpoint="http://127.0.0.1:1", path_style=True, **keys)

    output = run("collect", "unlisted", stores=FilesSettings(gone), status=1)

    assert "unlisted: s3://gone/x/media_mp3/recordings" in output
    assert "media_mp3.collect has run" not in output
