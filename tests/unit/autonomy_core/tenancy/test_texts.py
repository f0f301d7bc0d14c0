"""The texts of an organisation: read, checked, served and kept as its ini file is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.texts import MAX_TEXTS, MailChecks
from autonomy_core.tenancy.watch import WatchedDirectory
from tests.unit.autonomy_core.tenancy.material import count_as_unfinished_for, no_mistake

NAME = "payments.receipt.de.md"
Begin = Callable[[], TenantRegistry]


def shop(name: str = "Shop") -> str:
    return f"[organisation]\nname = {name}\ncurrency = eur\n"


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    directory = tmp_path / "tenants"
    directory.mkdir()
    (directory / "shop.ini").write_text(shop())
    (directory / "other.ini").write_text(shop("Other"))
    return directory


@pytest.fixture
def mail(tenants: Path) -> Path:
    """The directory of the texts of the organisation `shop`, with one text."""
    directory = tenants / "shop" / "mail"
    directory.mkdir(parents=True)
    (directory / NAME).write_text("one\n")
    return directory


@pytest.fixture
def begin(tenants: Path, tmp_path: Path, schemas: PluginSchemas) -> Iterator[Begin]:
    """Make a registry as another process would, with the record and the index of the one before."""
    begun: list[TenantRegistry] = []

    def begin() -> TenantRegistry:
        if begun:
            begun[-1]._read_ahead()
            begun[-1]._write_record()
            begun[-1]._write_index()
        record = TenantRecord(tmp_path / "record", Sealing([Secret("the server's secret")]))
        begun.append(
            TenantRegistry(
                tenants,
                schemas,
                index=tmp_path / "index",
                rules=Rules(record=record),
                mail_checks=MailChecks(no_mistake),
                fresh_ns=0,
            )
        )
        return begun[-1]

    yield begin
    for each in begun:
        each.stop()


def texts(registry: TenantRegistry, *, reload: bool = True) -> dict[str, str] | None:
    """The texts of `shop` that are in service, after a look at the directory."""
    if reload:
        registry.reload()
    found = registry.get("shop")
    return None if found is None else dict(found.mail_texts)


def test_an_organisation_without_a_directory_has_no_texts(begin: Begin):
    assert texts(begin()) == {}


def test_texts_belong_to_one_organisation(begin: Begin, mail: Path):
    registry = begin()
    assert texts(registry) == {NAME: "one\n"}
    other = registry.get("other")
    assert other is not None
    assert other.mail_texts == {}


def test_each_change_takes_effect(begin: Begin, tenants: Path):
    registry = begin()
    assert texts(registry) == {}
    mail = tenants / "shop" / "mail"
    mail.parent.mkdir()
    assert texts(registry) == {}
    mail.mkdir()
    assert texts(registry) == {}
    (mail / NAME).write_text("one\n")
    assert texts(registry) == {NAME: "one\n"}
    (mail / NAME).write_text("another\n")
    assert texts(registry) == {NAME: "another\n"}
    (mail / "mail.footer.de.md").write_text("end\n")
    assert texts(registry) == {NAME: "another\n", "mail.footer.de.md": "end\n"}
    (mail / NAME).unlink()
    assert texts(registry) == {"mail.footer.de.md": "end\n"}
    shutil.rmtree(tenants / "shop")
    assert texts(registry) == {}


def test_files_of_editors_and_other_files_are_no_texts(begin: Begin, mail: Path):
    for name in (f".{NAME}.swp", f"{NAME}~", f"#{NAME}#", f".{NAME}", "notes.txt"):
        (mail / name).write_text("mistake\n")
    assert texts(begin()) == {NAME: "one\n"}


def test_a_mistake_keeps_the_last_good_version_of_everything(begin: Begin, mail: Path, tenants: Path):
    registry = begin()
    assert texts(registry) == {NAME: "one\n"}
    (mail / NAME).write_text("two\na mistake\n")
    (tenants / "shop.ini").write_text(shop("New name"))
    assert texts(registry) == {NAME: "one\n"}
    served = registry.get("shop")
    assert served is not None
    assert served.name == "Shop"
    [problem] = registry.problems()
    assert (problem.file, problem.line, problem.organisation_id) == (mail / NAME, 2, "shop")
    assert str(problem).endswith("invalid_mail_template: there is a mistake (remove it)")
    (mail / NAME).write_text("two\n")
    assert texts(registry) == {NAME: "two\n"}
    served = registry.get("shop")
    assert served is not None
    assert served.name == "New name"
    assert registry.problems() == ()


def test_the_last_good_texts_survive_a_restart(begin: Begin, mail: Path):
    assert texts(begin()) == {NAME: "one\n"}
    (mail / NAME).write_text("mistake\n")
    restarted = begin()
    assert texts(restarted) == {NAME: "one\n"}
    assert [each.file for each in restarted.problems()] == [mail / NAME]


@pytest.mark.parametrize("change", ["new directory", "new file", "changed", "removed"])
def test_a_change_while_no_server_ran_is_noticed(begin: Begin, tenants: Path, change: str):
    mail = tenants / "shop" / "mail"
    if change != "new directory":
        mail.mkdir(parents=True)
    if change in {"changed", "removed"}:
        (mail / NAME).write_text("one\n")
    before = texts(begin())
    assert before == ({NAME: "one\n"} if change in {"changed", "removed"} else {})
    registry = begin()
    mail.mkdir(parents=True, exist_ok=True)
    if change == "removed":
        (mail / NAME).unlink()
    else:
        (mail / NAME).write_text("another\n")
    assert texts(registry, reload=False) == ({} if change == "removed" else {NAME: "another\n"})


def test_unchanged_texts_are_not_read_again(
    begin: Begin, mail: Path, monkeypatch: pytest.MonkeyPatch, tenants: Path
):
    registry = begin()
    assert texts(registry) == {NAME: "one\n"}
    read: list[str] = []
    original = WatchedDirectory._read

    def noting(watched: WatchedDirectory, name: str, *rest: object, **more: object) -> object:
        read.append(name)
        return original(watched, name, *rest, **more)

    monkeypatch.setattr(WatchedDirectory, "_read", noting)
    texts(registry)
    (tenants / "unrelated").mkdir()
    texts(registry)
    assert read == []


def test_a_text_that_an_editor_is_writing_waits(begin: Begin, mail: Path):
    registry = begin()
    count_as_unfinished_for(10**18, registry)
    assert texts(registry) == {NAME: "one\n"}
    (mail / NAME).write_text("tw")
    registry._look(immediately=False)
    assert texts(registry, reload=False) == {NAME: "one\n"}
    (mail / NAME).write_text("two\n")
    registry._look(immediately=False)
    assert texts(registry, reload=False) == {NAME: "two\n"}


@pytest.mark.parametrize("kind", ["not UTF-8", "too large", "a pipe", "a broken link", "a directory"])
def test_a_text_that_cannot_be_read_is_a_problem(begin: Begin, mail: Path, kind: str):
    registry = begin()
    assert texts(registry) == {NAME: "one\n"}
    bad = mail / "mail.footer.de.md"
    match kind:
        case "not UTF-8":
            bad.write_bytes(b"\xff\n")
        case "too large":
            bad.write_bytes(b"x" * 2_000_000)
        case "a pipe":
            os.mkfifo(bad)
        case "a broken link":
            bad.symlink_to("nowhere")
        case "a directory":
            bad.mkdir()
    assert texts(registry) == {NAME: "one\n"}
    assert [each.file for each in registry.problems()] == [bad]


def test_a_file_in_place_of_the_directory_is_a_problem_with_its_remedy(begin: Begin, tenants: Path):
    (tenants / "shop").mkdir()
    (tenants / "shop" / "mail").write_text("no directory\n")
    registry = begin()
    assert texts(registry) is None
    assert [each.remedy for each in registry.problems()] == ["put a directory in its place, or remove it"]


def test_too_many_files_are_a_problem(begin: Begin, mail: Path):
    for number in range(MAX_TEXTS):
        (mail / f"{number}.md").touch()
    registry = begin()
    assert texts(registry) is None
    assert [each.code for each in registry.problems()] == ["invalid_value"]
