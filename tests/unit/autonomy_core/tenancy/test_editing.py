"""A file is replaced as a whole or not at all, and keeps its owner and mode."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from autonomy_core.tenancy.editing import EditError, TenantEditor, replace_file
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.secrets import Secret


@pytest.fixture
def editor(tmp_path: Path, schemas: PluginSchemas, acme: str) -> TenantEditor:
    (tmp_path / "acme.ini").write_text(acme)
    return TenantEditor(tmp_path, schemas)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_change_is_noticed_by_the_registry(editor: TenantEditor, tmp_path: Path, schemas: PluginSchemas):
    registry = TenantRegistry(tmp_path, schemas)
    changed = editor.change("acme", "cards", {"test_secret_key": "sk_test_another"})
    registry.reload()
    assert registry.get("acme") == changed
    assert changed.settings["cards"]["test_secret_key"].reveal() == "sk_test_another"


def test_a_change_keeps_mode_owner_and_byte_order_mark(editor: TenantEditor, tmp_path: Path):
    path = tmp_path / "acme.ini"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 1234, 1235)
    owner = (path.stat().st_uid, path.stat().st_gid)
    editor.change("acme", "cards", {"test_secret_key": "sk_test_another"})
    assert (mode(path), (path.stat().st_uid, path.stat().st_gid)) == (0o640, owner)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [each.name for each in tmp_path.iterdir()] == ["acme.ini"]


def test_a_change_replaces_the_target_of_a_link_and_keeps_the_link(tmp_path: Path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_change_that_would_break_the_file_is_refused(editor: TenantEditor, tmp_path: Path):
    before = (tmp_path / "acme.ini").read_bytes()
    with pytest.raises(EditError, match=r"live_key_in_test(.|\n)*") as refused:
        editor.change("acme", "cards", {"test_secret_key": "sk_live_hidden"})
    assert "hidden" not in str(refused.value)
    assert (tmp_path / "acme.ini").read_bytes() == before


def test_a_section_or_file_that_is_not_there_is_refused(editor: TenantEditor):
    with pytest.raises(EditError, match=r"acme\.ini.*\[nothing\]"):
        editor.change("acme", "nothing", {"key": "1"})
    for name in ("nobody", "../acme"):
        with pytest.raises(EditError, match="there is no"):
            editor.written(name, "cards")


def test_assumed_values_are_checked_and_not_written(editor: TenantEditor, tmp_path: Path):
    before = (tmp_path / "acme.ini").read_bytes()
    assert editor.load("acme", "cards", {"test_secret_key": "sk_test_assumed"}).settings["cards"][
        "test_secret_key"
    ]
    assert (tmp_path / "acme.ini").read_bytes() == before


def test_a_secret_gets_a_new_private_file(editor: TenantEditor, tmp_path: Path):
    references = [
        editor.keep_secret("acme", "file:secrets/acme-key", Secret(word)) for word in ("one", "two")
    ]
    assert references == ["file:secrets/acme-key", "file:secrets/acme-key-2"]
    assert (tmp_path / "secrets/acme-key").read_text() == "one\n"
    assert (mode(tmp_path / "secrets"), mode(tmp_path / "secrets/acme-key")) == (0o700, 0o600)


def test_only_a_file_of_secrets_that_nothing_refers_to_is_removed(editor: TenantEditor, tmp_path: Path):
    unused, used = (editor.keep_secret("acme", "file:secrets/key", Secret("sk_test_x")) for _ in range(2))
    editor.change("acme", "cards", {"test_secret_key": used})
    (tmp_path / "elsewhere").write_text("sk_test_x")
    forgotten = [editor.forget_secret(each) for each in (used, "file:elsewhere", "sk_test_x", unused, unused)]
    assert forgotten == [False, False, False, True, False]
    assert (tmp_path / "elsewhere").exists()


def test_two_commands_do_not_change_the_files_at_once(editor: TenantEditor):
    with editor.alone(), pytest.raises(EditError, match="another command"), editor.alone():
        pass
    with editor.alone():
        pass
