"""An organisation keeps its hosts and its last valid version across restarts."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.watch import WatchedDirectory
from tests.unit.autonomy_core.tenancy.material import CardsSchema, count_as_unfinished_for

Begin = Callable[..., TenantRegistry]

BEING_WRITTEN = {"fresh_ns": 0, "unfinished_ns": 10**18}
"""The options of a registry for which an editor is still writing every file without a final newline."""


def shop(name: str = "Shop", hosts: str = "") -> str:
    return f"[organisation]\nname = {name}\ncurrency = eur\nhosts = {hosts}\n"


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    directory = tmp_path / "tenants"
    directory.mkdir()
    return directory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "record"


def rules(path: Path, secret: str = "the server's secret", **limits: float) -> Rules:
    return Rules(record=TenantRecord(path, Sealing([Secret(secret)]), **limits))


@pytest.fixture
def begin(tenants: Path, path: Path, schemas: PluginSchemas) -> Iterator[Begin]:
    """Make a registry as another process would, with an index of all files or without."""
    begun: list[TenantRegistry] = []

    def begin(
        secret: str = "the server's secret",
        *,
        index: bool = True,
        options: Mapping[str, int] = {"fresh_ns": 0},
        **limits: float,
    ) -> TenantRegistry:
        file = path.with_name("index") if index else None
        decided_by = rules(path, secret, **limits)
        begun.append(TenantRegistry(tenants, schemas, 0.01, index=file, rules=decided_by, **options))
        return begun[-1]

    yield begin
    for each in begun:
        each.stop()


def settle(registry: TenantRegistry) -> TenantRegistry:
    """Run the registry's thread once."""
    registry.reload()
    registry._read_ahead()
    registry._write_record()
    registry._write_index()
    return registry


def names(registry: TenantRegistry) -> dict[str, str | None]:
    return {name: found.name if (found := registry.get(name)) else None for name in registry.ids()}


@pytest.fixture
def two(tenants: Path, begin: Begin) -> None:
    """Two organisations, recorded by a server that has stopped."""
    (tenants / "org12.ini").write_text(shop("Twelve", "twelve.example"))
    (tenants / "org90.ini").write_text(shop("Ninety", "ninety.example"))
    settle(begin())


@pytest.fixture
def busy(path: Path) -> Callable[[], AbstractContextManager[None]]:
    """Lock the record as another process does while it writes, for longer than readers wait."""

    @contextmanager
    def busy() -> Iterator[None]:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")

    return busy


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("index", [True, False])
def test_the_first_owner_of_a_host_keeps_it_after_a_restart(begin: Begin, tenants: Path, index: bool):
    (tenants / "org10.ini").write_text(shop("Ten", "ten.example, twelve.example"))
    for _ in range(3):
        began = settle(begin(index=index))
        assert began.ids() == ("org10", "org12", "org90")
        assert began.by_host("twelve.example") is began.get("org12")
        assert began.get("org10").hosts == ("ten.example",)  # type: ignore[union-attr]
        (problem,) = began.problems()
        assert (problem.file.name, problem.line, problem.code) == ("org10.ini", 4, "duplicate_host")
        assert "org12's already, see org12.ini" in problem.message


@pytest.mark.usefixtures("two")
def test_the_command_line_names_the_newcomer_as_the_server_does(
    begin: Begin, tenants: Path, path: Path, schemas: PluginSchemas
):
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    assert load_directory(tenants, schemas, rules(path)).problems == begin().problems() != ()


@pytest.mark.usefixtures("two")
def test_the_command_line_writes_nothing(tenants: Path, path: Path, schemas: PluginSchemas):
    (tenants / "org90.ini").unlink()
    before = path.read_bytes(), sorted(path.parent.iterdir())
    load_directory(tenants, schemas, rules(path))
    assert (path.read_bytes(), sorted(path.parent.iterdir())) == before


@pytest.mark.usefixtures("two")
def test_a_host_released_and_claimed_again_stays_with_the_new_owner(begin: Begin, tenants: Path):
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    began = settle(begin())
    (tenants / "org12.ini").write_text(shop("Twelve"))
    settle(began)
    (tenants / "org12.ini").write_text(shop("Twelve", "twelve.example"))
    settle(began)
    assert begin().by_host("twelve.example").name == "Ten"  # type: ignore[union-attr]


def test_the_winner_of_simultaneous_claims_of_a_host_keeps_it(begin: Begin, tenants: Path):
    (tenants / "zeta.ini").write_text(shop("Zeta", "shop.example"))
    began = begin()
    assert began.ids() == ("zeta",)
    (tenants / "acme.ini").write_text(shop("Acme", "shop.example"))
    settle(began)  # records both for the first time
    assert begin().by_host("shop.example").name == "Zeta"  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("index", [True, False])
def test_a_file_broken_while_the_server_was_down_is_served_as_before(
    begin: Begin, tenants: Path, index: bool
):
    (tenants / "org12.ini").write_text("nonsense\n")
    with capture_logs() as logs:
        began = begin(index=index)
        assert names(began) == {"org12": "Twelve", "org90": "Ninety"}
    assert began.by_host("twelve.example") is began.get("org12")
    told = [entry for entry in logs if entry["event"] == "tenant_problem"]
    assert told
    assert all(entry["still_serving_last_good"] for entry in told)
    assert {problem.code for problem in began.problems()} == {"syntax", "missing_section"}
    (tenants / "org12.ini").write_text(shop("Mended"))
    assert names(settle(began)) == {"org12": "Mended", "org90": "Ninety"}


@pytest.mark.usefixtures("two")
def test_a_file_broken_before_its_first_read_is_served_as_recorded(begin: Begin, tenants: Path):
    began = begin()
    assert began.ids() == ("org12", "org90")
    (tenants / "org12.ini").write_text("nonsense\n")
    began.reload()
    assert names(began)["org12"] == "Twelve"


def test_secrets_survive_the_loss_of_their_files(
    begin: Begin, tenants: Path, path: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    (tenants / "key").write_text("sk_test_good")
    monkeypatch.setenv("SHOP_SEAL", "a seal of the environment")
    (tenants / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key") + "seal = env:SHOP_SEAL\n")
    then = settle(begin()).get("acme")
    (tenants / "key").unlink()
    monkeypatch.delenv("SHOP_SEAL")
    assert begin().get("acme") == then
    assert then.settings["cards"]["seal"].reveal() == "a seal of the environment"  # type: ignore[union-attr]


def test_no_secret_can_be_read_in_the_record(begin: Begin, tenants: Path, path: Path, acme: str):
    (tenants / "key").write_text("sk_test_in_a_file")
    (tenants / "acme.ini").write_text(acme)
    (tenants / "beta.ini").write_text(acme.replace("sk_test_abcdef", "file:key").replace("hosts = ", "# "))
    settle(begin())
    written = b"".join(each.read_bytes() for each in path.parent.glob("record*"))
    assert b"acme.example" in written
    assert b"sk_test" not in written
    assert b"Acme Records" not in written


@pytest.mark.usefixtures("two")
def test_without_the_secret_a_broken_organisation_keeps_its_hosts(begin: Begin, tenants: Path):
    (tenants / "org12.ini").write_text("nonsense\n")
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    with capture_logs() as logs:
        began = begin("another secret")
        assert began.ids() == ("org10", "org90")
    (told,) = (entry for entry in logs if entry.get("code") == "last_good_unreadable")
    assert "org12.ini" in told["file"]
    assert not told["still_serving_last_good"]
    assert (began.get("org12"), began.is_known("org12")) == (None, True)
    assert (began.by_host("twelve.example"), began.is_known_host("twelve.example")) == (None, True)
    assert (began.is_known("nobody"), began.is_known_host("nobody.example")) == (False, False)
    settle(began)
    again = begin()
    assert names(again)["org12"] == "Twelve"
    assert "last_good_unreadable" not in {problem.code for problem in again.problems()}


def test_content_sealed_under_a_former_secret_can_be_read():
    sealed = Sealing([Secret("old")]).seal("acme", b"content")
    assert Sealing([Secret("new"), Secret("old")]).open("acme", sealed) == b"content"
    assert Sealing([Secret("new")]).open("acme", sealed) is None
    assert Sealing([Secret("old")]).open("beacon", sealed) is None
    assert Sealing([Secret("old")]).open("acme", b"short") is None


def test_a_file_that_was_never_in_order_is_known_and_not_served(begin: Begin, tenants: Path):
    (tenants / "acme.ini").write_text("nonsense\n")
    began = settle(begin())
    assert (began.ids(), began.is_known("acme")) == ((), True)


@pytest.mark.usefixtures("two")
def test_a_recorded_version_that_new_code_rejects_is_not_served(
    tenants: Path, path: Path, acme: str, schemas: PluginSchemas
):
    (tenants / "acme.ini").write_text(acme)
    settle(TenantRegistry(tenants, schemas, rules=rules(path)))
    without: PluginSchemas = {"cards": CardsSchema}
    began = TenantRegistry(tenants, without, rules=rules(path))
    assert began.ids() == ("org12", "org90")
    assert began.is_known("acme")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("index", [True, False])
def test_an_empty_directory_at_the_start_removes_no_organisation(begin: Begin, tenants: Path, index: bool):
    away = tenants.rename(tenants.with_name("away"))
    tenants.mkdir()
    with capture_logs() as logs:
        began = settle(begin(index=index))
    assert names(began) == {"org12": "Twelve", "org90": "Ninety"}
    assert began.by_host("twelve.example") is began.get("org12")
    assert [problem.code for problem in began.problems()] == ["organisations_missing"]
    (told,) = (entry for entry in logs if entry["event"] == "tenant_problem")
    assert told["still_serving_last_good"]
    assert names(begin()) == {"org12": "Twelve", "org90": "Ninety"}
    tenants.rmdir()
    away.rename(tenants)
    assert settle(begin()).problems() == ()


@pytest.mark.usefixtures("two")
def test_losses_accepted_by_one_process_hold_for_the_next(begin: Begin, tenants: Path):
    running = settle(begin())
    for file in tenants.glob("*.ini"):
        file.unlink()
    running.reload(accept_losses=True)
    assert begin().problems() == ()


@pytest.mark.usefixtures("two")
def test_an_unreadable_directory_at_the_start_removes_none(begin: Begin, tenants: Path):
    tenants.rename(tenants.with_name("away"))
    began = settle(begin())
    assert names(began) == {"org12": "Twelve", "org90": "Ninety"}
    assert [problem.code for problem in began.problems()] == ["unreadable_file"]


@pytest.mark.usefixtures("two")
def test_losses_that_an_operator_accepted_take_effect_in_every_process(
    begin: Begin, tenants: Path, path: Path
):
    running = settle(begin())
    for file in tenants.glob("*.ini"):
        file.unlink()
    assert settle(running).ids() == ("org12", "org90")
    rules(path).record.accept(["org12"])  # type: ignore[union-attr]
    settle(running)
    assert running.ids() == begin().ids() == ("org90",)
    rules(path).record.accept(["org90"])  # type: ignore[union-attr]
    running._look(immediately=False)
    assert (running.ids(), running.problems()) == ((), ())
    assert begin().ids() == ()


@pytest.mark.usefixtures("two")
def test_an_organisation_back_after_an_accepted_loss_is_guarded_again(
    begin: Begin, tenants: Path, path: Path
):
    running = settle(begin())
    for file in tenants.glob("*.ini"):
        file.unlink()
    rules(path).record.accept(["org12", "org90"])  # type: ignore[union-attr]
    settle(running)
    (tenants / "org12.ini").write_text(shop("Twelve"))
    settle(running)
    (tenants / "org12.ini").unlink()
    assert settle(running).ids() == begin().ids() == ("org12",)


@pytest.mark.usefixtures("two")
def test_a_deleted_organisation_is_gone_and_its_hosts_are_free(begin: Begin, tenants: Path):
    running = settle(begin())
    (tenants / "org12.ini").unlink()
    settle(running)
    assert running.ids() == begin().ids() == ("org90",)
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    assert settle(running).by_host("twelve.example") is running.get("org10")


def test_successive_losses_are_added_up(begin: Begin, tenants: Path):
    for number in range(4):
        (tenants / f"shop-{number}.ini").write_text(shop())
    running = settle(begin())
    for number in range(3):
        (tenants / f"shop-{number}.ini").unlink()
        settle(running)
    assert running.ids() == begin().ids() == ("shop-2", "shop-3")
    for number in (4, 5):
        (tenants / f"shop-{number}.ini").write_text(shop())
    settle(running)
    (tenants / "shop-3.ini").unlink()
    assert settle(running).ids() == ("shop-2", "shop-3", "shop-4", "shop-5")
    for number in range(6, 10):
        (tenants / f"shop-{number}.ini").write_text(shop())
    settle(running)
    running._rules.record.loss_window_s = 0  # type: ignore[union-attr]
    (tenants / "shop-4.ini").unlink()
    assert "shop-4" not in settle(running).ids()


@pytest.mark.usefixtures("two")
def test_one_process_follows_the_decisions_of_another(begin: Begin, tenants: Path):
    """Each process sees the newcomers in another order; the first to record decides for both."""
    first, second = settle(begin()), settle(begin())
    (tenants / "zeta.ini").write_text(shop("Zeta", "new.example"))
    settle(first)
    (tenants / "acme.ini").write_text(shop("Acme", "new.example"))
    settle(second)
    first._look(immediately=False)
    assert {each.by_host("new.example").name for each in (first, second, begin())} == {"Zeta"}  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("damage", ["no database", "writable", "link", "other format", "directory"])
def test_an_unusable_record_is_reported_and_the_files_are_served(
    begin: Begin, path: Path, tenants: Path, damage: str
):
    content = path.read_bytes()
    if damage == "no database":
        path.write_bytes(b"x" * 4096)
    elif damage == "writable":
        path.chmod(0o666)
    elif damage == "link":
        path.with_name("elsewhere").write_bytes(content)
        path.unlink()
        path.symlink_to("elsewhere")
    elif damage == "directory":
        path.unlink()
        path.mkdir()
    else:
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
    with capture_logs() as logs:
        began = settle(begin())
        (tenants / "org90.ini").write_text(shop("New"))
        settle(began)
    assert names(began) == {"org12": "Twelve", "org90": "New"}
    (problem,) = began.problems()
    assert problem.code == "record_unusable"
    # Only the record knows of them.
    assert problem.remedy.index("bring back each organisation's file") < problem.remedy.index(
        "move this one away"
    )
    told = [entry["code"] for entry in logs if entry["event"] == "tenant_problem"]
    assert "record_unusable" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")
def test_root_makes_the_record_for_the_owner_of_the_data(begin: Begin, tenants: Path, path: Path):
    path.parent.mkdir()
    os.chown(path.parent, 12345, 12345)
    (tenants / "acme.ini").write_text(shop())
    settle(begin())
    assert path.stat().st_uid == 12345
    assert path.stat().st_mode & 0o022 == 0


def test_several_processes_may_write_the_record_at_once(begin: Begin, tenants: Path):
    # A busy machine may need long for it.
    many = [begin(index=False, timeout_s=60) for _ in range(4)]
    failed: list[object] = []

    def work(number: int) -> None:
        for turn in range(10):
            draft = tenants / f"own-{number}.draft"
            draft.write_text(shop(f"{turn}", f"{number}-{turn}.example"))
            draft.replace(draft.with_suffix(".ini"))
            settle(many[number])
            failed.extend(many[number].problems())

    workers = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # A process that recorded an outdated reading reads the directory again within a second.
    for each in many:
        settle(each)
    assert failed == []
    for number in range(4):
        (tenants / f"own-{number}.ini").write_text("nonsense\n")
    assert names(begin(index=False)) == {f"own-{number}": "9" for number in range(4)}


def test_a_started_registry_writes_the_record_by_itself(begin: Begin, tenants: Path, path: Path):
    (tenants / "acme.ini").write_text(shop("Acme"))
    began = begin()
    began.start()
    kept = rules(path).record
    assert kept is not None
    while kept.ids_except(()) != {"acme"}:
        threading.Event().wait(0.01)
    began.stop()
    (tenants / "acme.ini").write_text("nonsense\n")
    assert names(begin()) == {"acme": "Acme"}


@pytest.mark.processes
@pytest.mark.usefixtures("two")
def test_a_kill_during_the_write_of_the_record_loses_nothing(begin: Begin, tenants: Path, path: Path):
    kill_while_writing(path)
    (tenants / "org12.ini").rename(tenants / "org12.away")
    (tenants / "org90.ini").write_text("nonsense\n")
    (tenants / "org10.ini").write_text(shop("Ten", "ninety.example"))
    began = begin(index=False)
    assert began.problems() != ()
    assert {problem.code for problem in began.problems()}.isdisjoint({"record_unusable"})
    assert began.by_host("ninety.example") is began.get("org90") is not None


def kill_while_writing(path: Path) -> None:
    """Leave the record as a process that is killed between writing pages and the commit."""
    script = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 1')\n"
        "db.execute('BEGIN IMMEDIATE')\n"
        "db.execute('DELETE FROM claims')\n"
        "db.executemany('INSERT INTO losses VALUES (?, 1, 0)', [(f'{n:0500}',) for n in range(500)])\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)]).returncode == 9
    assert path.with_name(f"{path.name}-journal").stat().st_size > 0


def test_an_accepted_loss_does_not_count_towards_the_next(begin: Begin, tenants: Path, path: Path):
    for number in range(6):
        (tenants / f"shop-{number}.ini").write_text(shop())
    running = settle(begin())
    for number in range(4):
        (tenants / f"shop-{number}.ini").unlink()
    settle(running)
    rules(path).record.accept([f"shop-{number}" for number in range(4)])  # type: ignore[union-attr]
    assert settle(running).ids() == ("shop-4", "shop-5")
    (tenants / "shop-4.ini").unlink()
    assert settle(running).ids() == ("shop-5",)


@pytest.mark.usefixtures("two")
def test_a_host_stays_when_the_server_stops_during_an_editors_save(
    tenants: Path, path: Path, schemas: PluginSchemas
):
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    served = TenantRegistry(tenants, schemas, 3600, rules=rules(path))
    served.start()
    (tenants / "org12.ini").rename(tenants / "org12.ini~")
    served.stop()
    (tenants / "org12.ini~").rename(tenants / "org12.ini")
    restarted = TenantRegistry(tenants, schemas, rules=rules(path))
    assert restarted.by_host("twelve.example").id == "org12"  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
def test_a_host_keeps_its_owner_when_the_record_is_moved_away(begin: Begin, tenants: Path, path: Path):
    """The newcomer is recorded before the owner, which this process knows from the index only."""
    path.unlink()
    running = begin()
    running.reload()
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    running.reload()
    running._write_record()
    settle(running)
    for registry in (running, settle(begin()), begin(index=False)):
        assert registry.by_host("twelve.example").id == "org12"  # type: ignore[union-attr]


@pytest.mark.usefixtures("two")
def test_a_record_locked_at_the_start_is_applied_when_readable(
    begin: Begin, tenants: Path, busy: Callable[[], AbstractContextManager[None]]
):
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    with busy():
        began = begin(index=False, timeout_s=0.05)
        assert "record_unusable" in {problem.code for problem in began.problems()}
    began.reload()
    assert began.by_host("twelve.example") is began.get("org12")
    assert {problem.code for problem in began.problems()} == {"duplicate_host"}


@pytest.mark.usefixtures("two")
def test_organisations_without_files_return_with_a_readable_record(
    begin: Begin, tenants: Path, busy: Callable[[], AbstractContextManager[None]]
):
    for file in tenants.glob("*.ini"):
        file.unlink()
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    with busy():
        began = begin(timeout_s=0.05)
        assert began.ids() == ("org10",)
    began._look(immediately=False)
    assert names(began) == {"org10": "Ten", "org12": "Twelve", "org90": "Ninety"}
    assert began.by_host("twelve.example") is began.get("org12")
    assert {problem.code for problem in began.problems()} == {"organisations_missing", "duplicate_host"}


@pytest.mark.usefixtures("two")
def test_an_organisation_just_recorded_by_another_process_is_not_lost(
    begin: Begin, tenants: Path, monkeypatch: pytest.MonkeyPatch
):
    first, second = settle(begin()), settle(begin())
    look = WatchedDirectory.read_changes

    def overtaken(watched: WatchedDirectory, **options: Any) -> bool:
        found = look(watched, **options)
        if watched is first._watched and not (tenants / "new.ini").exists():
            (tenants / "new.ini").write_text(shop("New", "new.example"))
            settle(second)
        return found

    monkeypatch.setattr(WatchedDirectory, "read_changes", overtaken)
    (tenants / "org12.ini").write_text(shop("Twelve anew", "twelve.example"))
    settle(first)
    (tenants / "new.ini").write_text("nonsense\n")
    assert names(begin(index=False))["new"] == "New"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("index", [True, False])
def test_a_half_written_file_at_the_start_loses_no_host(begin: Begin, tenants: Path, path: Path, index: bool):
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    settle(begin())
    whole = shop("Twelve anew", "twelve.example")
    (tenants / "org12.ini").write_text(whole[: whole.index("hosts")].rstrip())  # in order so far
    began = settle(begin(index=index, options=BEING_WRITTEN))
    assert names(began)["org12"] == "Twelve"
    assert began.by_host("twelve.example") is began.get("org12")
    (tenants / "org12.ini").write_text(whole)
    settle(began)
    assert names(began)["org12"] == "Twelve anew"
    assert began.by_host("twelve.example") is began.get("org12")


@pytest.mark.usefixtures("two")
def test_a_file_without_a_final_newline_is_served_once_it_is_old(begin: Begin, tenants: Path):
    (tenants / "org12.ini").write_text(shop("Twelve anew", "twelve.example").rstrip())
    (tenants / "org10.ini").write_text(shop("Ten", "ten.example").rstrip())
    began = begin(index=False, options=BEING_WRITTEN)
    # The new file has no earlier version to serve.
    assert names(began) == {"org10": "Ten", "org12": "Twelve", "org90": "Ninety"}
    count_as_unfinished_for(0, began)
    began._look(immediately=False)
    assert names(began) == {"org10": "Ten", "org12": "Twelve anew", "org90": "Ninety"}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("away", ["moved", "removed", "replaced by an older one"])
def test_a_running_server_recreates_a_missing_record(begin: Begin, tenants: Path, path: Path, away: str):
    older = path.read_bytes()
    (tenants / "org50.ini").write_text(shop("Fifty", "fifty.example"))
    (tenants / "org90.ini").write_text(shop("Edited", "edited.example"))
    settle(begin())
    running = settle(begin())  # after a restart; nothing was recorded since
    assert names(running) == {"org12": "Twelve", "org50": "Fifty", "org90": "Edited"}
    settle(running)
    if away == "moved":
        path.rename(path.with_name("away"))
    elif away == "removed":
        path.unlink()
    else:
        path.write_bytes(older)
    running._look(immediately=False)
    running._write_record()
    for name in ("org50", "org90"):
        (tenants / f"{name}.ini").write_text("nonsense\n")
    (tenants / "org10.ini").write_text(shop("Ten", "fifty.example, edited.example"))
    began = begin(index=False)
    assert names(began) == {"org10": "Ten", "org12": "Twelve", "org50": "Fifty", "org90": "Edited"}
    assert began.by_host("fifty.example") is began.get("org50")
    assert began.by_host("edited.example") is began.get("org90")


@pytest.mark.usefixtures("two")
def test_processes_that_read_a_file_differently_do_not_alternate(
    begin: Begin, tenants: Path, path: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    """As during a restart, when the environment of one process has a new secret."""
    (tenants / "acme.ini").write_text(acme.replace("sk_test_abcdef", "env:SHOP_KEY"))
    running = []
    for secret in ("sk_test_one", "sk_test_two"):
        monkeypatch.setenv("SHOP_KEY", secret)
        running.append(settle(begin(index=False)))
    recorded = path.read_bytes()
    for registry in running * 2:
        registry._look(immediately=False)
        registry._write_record()
    assert path.read_bytes() == recorded


@pytest.mark.usefixtures("two")
def test_an_unreadable_directory_is_no_loss_of_its_files(begin: Begin, tenants: Path):
    for number in range(4):
        (tenants / f"shop-{number}.ini").write_text(shop())
    settle(begin())
    (tenants / "new.ini").write_text(shop("New", "new.example"))
    settle(begin(index=False))  # so that the index does not know it
    tenants.rename(tenants.with_name("away"))
    began = settle(begin())
    assert names(began)["new"] == "New"
    assert [problem.code for problem in began.problems()] == ["unreadable_file"]
    tenants.with_name("away").rename(tenants)
    assert names(settle(begin()))["new"] == "New"


@pytest.mark.usefixtures("two")
def test_a_refused_loss_stays_refused_after_newcomers_and_restarts(begin: Begin, tenants: Path, path: Path):
    running = settle(begin())
    for file in tenants.glob("*.ini"):
        file.unlink()
    assert settle(running).ids() == ("org12", "org90")
    running._rules.record.loss_window_s = 0  # type: ignore[union-attr]
    for number in range(9):
        (tenants / f"shop-{number}.ini").write_text(shop("Newcomer", "twelve.example"))
    for each in (settle(running), settle(begin(loss_window_s=0)), begin(index=False, loss_window_s=0)):
        assert each.by_host("twelve.example") is each.get("org12") is not None
        assert each.get("shop-0").hosts == ()  # type: ignore[union-attr]
        assert "organisations_missing" in {problem.code for problem in each.problems()}
    rules(path).record.accept(["org12", "org90"])  # type: ignore[union-attr]
    assert settle(running).by_host("twelve.example") is running.get("shop-0")
    assert "organisations_missing" not in {problem.code for problem in running.problems()}


@pytest.mark.usefixtures("two")
def test_an_organisation_back_after_a_refused_loss_may_be_removed(begin: Begin, tenants: Path):
    texts = {file: file.read_text() for file in tenants.glob("*.ini")}
    running = settle(begin())
    for file in texts:
        file.unlink()
    assert settle(running).ids() == ("org12", "org90")
    for file, text in texts.items():
        file.write_text(text)
    assert settle(running).problems() == ()
    (tenants / "org12.ini").unlink()
    assert settle(running).ids() == begin().ids() == ("org90",)


@pytest.mark.usefixtures("two")
def test_an_owner_keeps_its_host_in_each_process_until_removed_there(begin: Begin, tenants: Path):
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    first, second = settle(begin()), settle(begin())
    (tenants / "org12.ini").unlink()
    settle(first)
    assert first.by_host("twelve.example") is first.get("org10")
    second._look(immediately=False)
    owner = second.get("org12") or second.get("org10")
    assert second.by_host("twelve.example") is owner is not None


@pytest.mark.usefixtures("two")
def test_the_loss_of_an_owner_that_cannot_be_served_is_guarded_too(begin: Begin, tenants: Path):
    for name in ("org12", "org90"):
        (tenants / f"{name}.ini").write_text("nonsense\n")
    began = begin("another secret")
    assert (began.ids(), began.is_known("org12")) == ((), True)
    (tenants / "org10.ini").write_text(shop("Ten", "twelve.example"))
    for name in ("org12", "org90"):
        (tenants / f"{name}.ini").unlink()
    settle(began)
    assert (began.is_known("org12"), began.by_host("twelve.example")) == (True, None)
    assert "organisations_missing" in {problem.code for problem in began.problems()}
    assert begin().by_host("twelve.example").name == "Twelve"  # type: ignore[union-attr]
