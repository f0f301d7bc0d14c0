"""With the index, a starting process reads no unchanged file. The answers are the same without it."""

from __future__ import annotations

import errno
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from marshmallow import fields
from structlog.testing import capture_logs

from autonomy_core.tenancy import files, secrets, watch
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.secrets import Secret
from tests.unit.autonomy_core.tenancy.material import CardsSchema

Begin = Callable[..., TenantRegistry]


def shop(name: str = "Shop", hosts: str = "", currency: str = "eur") -> str:
    return f"[organisation]\nname = {name}\ncurrency = {currency}\nhosts = {hosts}\n"


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    directory = tmp_path / "tenants"
    directory.mkdir()
    return directory


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "data" / "index"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the organisations whose files are read, one after the other."""
    read: list[str] = []
    load = TenantLoader.load

    def noting(loader: TenantLoader, path: Path) -> object:
        read.append(path.stem)
        return load(loader, path)

    monkeypatch.setattr(TenantLoader, "load", noting)
    return read


@pytest.fixture
def begin(tenants: Path, index: Path, schemas: PluginSchemas) -> Iterator[Begin]:
    """Make a registry as another process would. It treats all files as old enough to be indexed."""
    begun: list[TenantRegistry] = []

    def begin(*, fresh_ns: int = 0, **options: Any) -> TenantRegistry:
        begun.append(
            TenantRegistry(tenants, schemas, poll_seconds=0.01, index=index, fresh_ns=fresh_ns, **options)
        )
        return begun[-1]

    yield begin
    for each in begun:
        each.stop()


@contextmanager
def no_more_files() -> Iterator[None]:
    """Leave the process no free file descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def remember(begin: Begin, **options: Any) -> None:
    """Read everything and write the index, as a process does before it ends."""
    began = begin(**options)
    began.ids()
    began._write_index()


@pytest.fixture
def two(tenants: Path, begin: Begin, read: list[str]) -> None:
    """The index of two organisations."""
    (tenants / "one.ini").write_text(shop("One", "one.example, one.example:8443"))
    (tenants / "two.ini").write_text(shop("Two", "two.example"))
    remember(begin)
    read.clear()


@pytest.mark.usefixtures("two")
def test_an_unchanged_file_is_read_at_its_first_use(begin: Begin, read: list[str]):
    began = begin()
    assert (began.ids(), began.problems(), read) == (("one", "two"), (), [])
    assert began.by_host("ONE.example:443") is began.get("one")
    assert began.get("one").name == "One"  # type: ignore[union-attr]
    assert began.by_host("nobody.example") is None
    assert read == ["one"]


@pytest.mark.usefixtures("two")
def test_a_background_thread_reads_the_remaining_files(begin: Begin, tenants: Path):
    began = begin()
    began.start()
    while began._watched.unread:
        time.sleep(0.001)
    began.stop()
    (tenants / "two.ini").write_text("nonsense")
    began.reload()
    assert began.by_host("two.example").name == "Two"  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
def test_changed_added_and_removed_files_are_noticed(begin: Begin, tenants: Path, read: list[str]):
    (tenants / "one.ini").write_text(shop("New One", "new.example"))
    (tenants / "two.ini").unlink()
    (tenants / "six.ini").write_text(shop("Six", "six.example"))
    began = begin()
    assert began.ids() == ("one", "six")
    assert sorted(read) == ["one", "six"]
    hosts = ("new.example", "six.example", "one.example", "two.example")
    assert [found.name if (found := began.by_host(host)) else None for host in hosts] == [
        "New One",
        "Six",
        None,
        None,
    ]


@pytest.mark.usefixtures("two")
def test_a_duplicate_host_is_reported_although_both_are_indexed(begin: Begin, tenants: Path):
    (tenants / "two.ini").write_text(shop("Two", "two.example, one.example"))
    remember(begin)
    began = begin()
    assert began.by_host("one.example") is began.get("one")
    assert began.get("two").hosts == ("two.example",)  # type: ignore[union-attr]
    (problem,) = began.problems()
    assert (problem.file, problem.line, problem.code) == (tenants / "two.ini", 4, "duplicate_host")


def test_a_file_with_problems_is_read_by_every_process(begin: Begin, tenants: Path):
    (tenants / "bad.ini").write_text("nonsense")
    (tenants / "good.ini").write_text(shop())
    before = begin()
    remember(begin)
    after = begin()
    assert after.ids() == before.ids() == ("good",)
    assert after.problems() == before.problems() != ()


def test_a_changed_secret_file_is_noticed(begin: Begin, tenants: Path, acme: str, read: list[str]):
    (tenants / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key"))
    (tenants / "key").write_text("sk_test_one")
    remember(begin)
    read.clear()
    assert begin().ids() == ("acme",)
    assert read == []
    (tenants / "key").write_text("sk_live_one")
    assert [problem.code for problem in begin().problems()] == ["live_key_in_test"]


def test_a_file_with_a_reference_to_the_environment_is_always_read(
    begin: Begin, tenants: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    (tenants / "acme.ini").write_text(acme.replace("sk_test_abcdef", "env:SHOP_KEY"))
    monkeypatch.setenv("SHOP_KEY", "sk_test_one")
    remember(begin)
    monkeypatch.delenv("SHOP_KEY")
    assert [problem.code for problem in begin().problems()] == ["unresolved_reference"]


def test_an_edit_with_equal_size_and_time_is_noticed(
    begin: Begin, tenants: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tenants / "shop.ini"
    path.write_text(shop(hosts="a.example"))
    unchanged = files.signature_of(path.stat())
    # The clock of the file system has a coarse resolution: two edits can have the same time.
    monkeypatch.setattr(files, "signature_of", lambda _: unchanged)
    monkeypatch.setattr(watch, "signature_of", lambda _: unchanged)
    remember(begin, fresh_ns=10**18)
    path.write_text(shop(hosts="b.example"))
    began = begin(fresh_ns=10**18)
    assert began.by_host("b.example") is not None
    path.write_text(shop(hosts="c.example"))
    began.reload()
    assert began.by_host("c.example") is not None


def test_the_index_has_no_secret_and_is_private(begin: Begin, tenants: Path, index: Path, acme: str):
    (tenants / "key").write_text("sk_test_in_a_file")
    (tenants / "acme.ini").write_text(acme)
    (tenants / "beta.ini").write_text(acme.replace("sk_test_abcdef", "file:key").replace("hosts = ", "# "))
    (tenants / "misplaced.ini").write_text(acme.replace("sk_test_abcdef", "file:sk_test_misplaced"))
    remember(begin)
    text = index.read_text()
    assert '"acme"' in text
    assert '"beta"' in text
    assert "sk_test" not in text
    assert index.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "no json", "other format"])
def test_a_damaged_index_is_ignored_and_rebuilt(begin: Begin, index: Path, read: list[str], damage: str):
    whole = index.read_bytes()
    damaged = {
        "empty": b"",
        "cut": whole[:-20],
        "changed": whole.replace(b"two.example", b"six.example"),
        "no json": b"\x00\xff",
        "other format": whole.replace(b'"format": ', b'"format": 9'),
    }
    index.write_bytes(damaged[damage])
    with capture_logs() as logs:
        began = begin()
        assert began.by_host("two.example") is not None
    assert "tenant_index_ignored" in [entry["event"] for entry in logs]
    assert sorted(read) == ["one", "two"]
    began._write_index()
    read.clear()
    assert begin().ids() == ("one", "two")
    assert read == []


@pytest.mark.usefixtures("two")
def test_an_index_that_another_user_may_write_is_ignored(
    begin: Begin, index: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
):
    index.chmod(0o620)
    begin().ids()
    assert sorted(read) == ["one", "two"]
    index.chmod(0o600)
    read.clear()
    owner = index.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    begin().ids()
    assert sorted(read) == ["one", "two"]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_an_index_that_is_no_regular_file_is_ignored_without_blocking(
    begin: Begin, index: Path, read: list[str], kind: str
):
    elsewhere = index.with_name("elsewhere")
    index.rename(elsewhere)
    {"link": lambda: index.symlink_to(elsewhere), "pipe": lambda: os.mkfifo(index), "directory": index.mkdir}[
        kind
    ]()
    assert begin().ids() == ("one", "two")
    assert sorted(read) == ["one", "two"]


@pytest.mark.usefixtures("two")
def test_an_index_made_with_other_plugins_is_ignored(tenants: Path, index: Path, read: list[str]):
    began = TenantRegistry(tenants, {"cards": CardsSchema}, index=index)
    assert began.ids() == ("one", "two")
    assert sorted(read) == ["one", "two"]


@pytest.mark.usefixtures("two")
def test_an_index_of_another_directory_is_ignored(tmp_path: Path, index: Path, schemas: PluginSchemas):
    (tmp_path / "other").mkdir()
    assert TenantRegistry(tmp_path / "other", schemas, index=index).ids() == ()


def test_an_organisation_that_new_code_rejects_is_not_served(
    begin: Begin, tenants: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    (tenants / "acme.ini").write_text(acme)
    remember(begin)
    # The schema's module is outside the packages whose versions the index records.
    monkeypatch.setattr(fields.String, "_deserialize", lambda *_, **__: 1 / 0)
    began = begin()
    assert began.ids() == ("acme",)
    assert began.get("acme") is None
    assert began.ids() == ()
    assert began.problems() != ()


@pytest.mark.usefixtures("two")
def test_a_file_broken_before_its_first_read_is_not_served(begin: Begin, tenants: Path):
    began = begin()
    assert began.ids() == ("one", "two")
    (tenants / "two.ini").write_text("nonsense\n")
    began.reload()
    assert began.ids() == ("one",)
    assert began.by_host("two.example") is None


@pytest.mark.usefixtures("two")
def test_a_file_edited_after_indexing_is_served_as_edited(begin: Begin, tenants: Path):
    began = begin()
    assert began.ids() == ("one", "two")
    (tenants / "two.ini").write_text(shop("New Two", "new.example"))
    assert began.by_host("two.example") is None
    assert began.by_host("new.example").name == "New Two"  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
def test_a_host_stays_with_its_owner_before_its_file_is_read(begin: Begin, tenants: Path):
    began = begin()
    assert began.ids() == ("one", "two")
    (tenants / "two.ini").write_text(shop("New Two", "two.example, new.example"))
    (tenants / "one.ini").write_text(shop("New One", "two.example"))
    began.reload()
    assert began.by_host("two.example").name == "New Two"  # type: ignore[union-attr]
    assert [problem.file.name for problem in began.problems()] == ["one.ini"]


@pytest.mark.usefixtures("two")
def test_a_waiting_organisation_gets_a_host_when_it_is_released(begin: Begin, tenants: Path):
    (tenants / "six.ini").write_text(shop("Six", "six.example"))
    remember(begin)
    began = begin()
    (tenants / "six.ini").write_text(shop("Six", "one.example"))
    began.reload()
    assert began.get("six").hosts == ()  # type: ignore[union-attr]
    (tenants / "one.ini").write_text(shop("One"))
    assert began.get("one") is not None
    assert began.by_host("one.example").name == "Six"  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
def test_a_file_that_is_briefly_absent_stays_in_service(begin: Begin, tenants: Path):
    began = begin()
    assert began.ids() == ("one", "two")
    (tenants / "two.ini").rename(tenants / "away")
    assert began.get("two") is None
    (tenants / "away").rename(tenants / "two.ini")
    assert began.get("two") is not None


@pytest.mark.usefixtures("two")
def test_a_briefly_unreadable_file_keeps_its_hosts(begin: Begin, tenants: Path):
    began = begin()
    assert began.ids() == ("one", "two")
    with no_more_files():
        assert began.get("two") is None
        (problem,) = began.problems()
        assert (problem.file, problem.code) == (tenants / "two.ini", "unreadable_file")
    (tenants / "one.ini").write_text(shop("New One", "two.example"))
    began.reload()
    assert began.by_host("two.example").name == "Two"  # type: ignore[union-attr]
    assert [problem.code for problem in began.problems()] == ["duplicate_host"]


@pytest.mark.usefixtures("two")
def test_an_unreadable_file_is_retried_once_per_poll(begin: Begin, read: list[str]):
    began = begin()
    assert began.ids() == ("one", "two")
    with no_more_files():
        with capture_logs() as logs:
            assert [began.get("two") for _ in range(5)] == [None] * 5
        assert read == ["two"]
    (logged,) = (entry for entry in logs if entry["event"] == "tenant_problem")
    assert not logged["still_serving_last_good"]
    began.reload()
    assert read == ["two", "two"]
    assert began.get("two").name == "Two"  # type: ignore[union-attr]
    began.reload()
    assert (read, began.problems()) == (["two", "two"], ())


def test_a_briefly_unreadable_secret_file_stops_no_organisation(
    begin: Begin, tenants: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    (tenants / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key"))
    (tenants / "key").write_text("sk_test_one")
    remember(begin)
    began = begin()
    with monkeypatch.context() as patched:
        patched.setattr(secrets, "read_small_file", _broken_disk)
        assert began.get("acme") is None
        assert [problem.code for problem in began.problems()] == ["unresolved_reference"]
        (tenants / "aaa.ini").write_text(shop("Another", "acme.example"))
        began.reload()
        assert began.get("aaa").hosts == ()  # type: ignore[union-attr]
    began.reload()
    assert began.get("acme") is not None
    assert [problem.file.name for problem in began.problems()] == ["aaa.ini"]


def _broken_disk(_: Path) -> bytes:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_the_registry_works_without_a_writable_index(begin: Begin, tenants: Path, index: Path):
    index.parent.write_text("no directory")
    (tenants / "shop.ini").write_text(shop())
    began = begin()
    assert began.ids() == ("shop",)
    with capture_logs() as logs:
        began._write_index()
    assert [entry["event"] for entry in logs] == ["tenant_index_not_written"]


def test_writing_the_index_is_retried_and_its_failure_logged_once(begin: Begin, tenants: Path, index: Path):
    index.parent.write_text("no directory")
    (tenants / "shop.ini").write_text(shop())
    began = begin(index_every_s=0.0)
    began.ids()
    with capture_logs() as logs:
        began._write_index()
        began._write_index()
        index.parent.unlink()
        began._write_index()
    assert [entry["event"] for entry in logs] == ["tenant_index_not_written"]
    assert b'"shop"' in index.read_bytes()


def test_a_directory_that_cannot_be_read_leaves_the_index_as_it_was(begin: Begin, tenants: Path, index: Path):
    (tenants / "shop.ini").write_text(shop())
    remember(begin)
    written = index.read_bytes()
    tenants.rename(tenants.with_name("away"))
    began = begin()
    assert [problem.code for problem in began.problems()] == ["unreadable_file"]
    began._write_index()
    assert index.read_bytes() == written


@pytest.mark.usefixtures("two")
def test_several_processes_may_write_the_index_at_once(begin: Begin, index: Path, tenants: Path):
    many = [begin() for _ in range(4)]
    known: list[int] = []

    def write(number: int) -> None:
        for turn in range(20):
            draft = tenants / f"own-{number}.draft"
            draft.write_text(shop(f"{turn}", f"{number}-{turn}.example"))
            draft.replace(draft.with_suffix(".ini"))
            many[number].reload()
            many[number]._watched.write_index()
            reading = begin()._watched
            reading.read_index()
            known.append(len(reading.unread))

    writers = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(known) == 80
    assert 0 not in known  # no reader has seen half an index
    assert [path.name for path in index.parent.iterdir()] == [index.name]
    assert begin().ids() == ("one", *(f"own-{number}" for number in range(4)), "two")


def test_the_cache_of_organisations_is_bounded(begin: Begin, tenants: Path):
    for number in range(10):
        (tenants / f"shop-{number}.ini").write_text(shop(f"Shop {number}"))
    began = begin(kept=3)
    made = {name: began.get(name) for name in began.ids()}
    assert began._make.cache_info().currsize == 3
    assert began.get("shop-9") is made["shop-9"]
    assert began.get("shop-0") == made["shop-0"]


def test_an_organisation_evicted_from_the_cache_is_rebuilt_equal(
    begin: Begin, tenants: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    (tenants / "key").write_text("sk_test_good")
    monkeypatch.setenv("SHOP_SEAL", "file:looks-like-a-reference")
    (tenants / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key") + "seal = env:SHOP_SEAL\n")
    began = begin()
    then = began.get("acme")
    began._make.cache_clear()
    (tenants / "key").unlink()
    began.reload()
    assert began.get("acme") == then
    assert then.settings["cards"]["seal"].reveal() == "file:looks-like-a-reference"  # type: ignore[union-attr]
    assert [problem.code for problem in began.problems()] == ["unresolved_reference"]


def test_the_owner_of_a_secret_is_found_without_building_all(begin: Begin, tenants: Path, acme: str):
    odd = 'sk_test_"quoted"\\'
    (tenants / "acme.ini").write_text(acme)
    (tenants / "beta.ini").write_text(acme.replace("sk_test_abcdef", "file:key").replace("hosts = ", "# "))
    (tenants / "key").write_text(odd)
    remember(begin)
    began = begin()
    assert list(began.ids_with_secret(Secret("sk_test_abcdef"))) == ["acme"]
    assert list(began.ids_with_secret(Secret(odd))) == ["beta"]
    assert list(began.ids_with_secret(Secret("sk_test_nobody"))) == []
    assert (began.plugins_of("acme"), began.plugins_of("nobody")) == (("cards", "music"), ())
    assert began._make.cache_info().currsize == 0


def test_the_cached_form_of_an_organisation_shows_no_secret(begin: Begin, tenants: Path, acme: str):
    (tenants / "acme.ini").write_text(acme)
    began = begin()
    began.ids()
    assert "sk_test_abcdef" not in repr(began._snapshot)
    assert "sk_test_abcdef" not in repr(began._watched.files())
