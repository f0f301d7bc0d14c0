from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from structlog.testing import capture_logs

from autonomy_core.tenancy.claims import ServerHosts
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.settling import Rules
from tests.unit.autonomy_core.tenancy.material import count_as_unfinished_for

TIMEOUT_S = 60.0  # seconds after which a test gives up; it asserts no time

Changed = Callable[[], str]


def shop(name: str = "Shop", hosts: str = "") -> str:
    return f"[organisation]\nname = {name}\ncurrency = eur\nhosts = {hosts}\n"


def replace(path: Path, text: str) -> None:
    """Write as many editors do: write a new file and rename it over the old one."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def name_of(registry: TenantRegistry, organisation_id: str) -> str | None:
    organisation = registry.get(organisation_id)
    return organisation.name if organisation else None


@pytest.fixture
def announced() -> Iterator[queue.SimpleQueue[str]]:
    """The organisations whose changes were logged."""
    changes: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen(_logger: object, _method: str, entry: dict[str, object]) -> NoReturn:
        if entry["event"] == "tenant_changed":
            changes.put(str(entry["organisation"]))
        raise structlog.DropEvent

    # In place, because loggers keep the list.
    processors = structlog.get_config()["processors"]
    before = processors.copy()
    processors[:] = [listen]
    yield changes
    processors[:] = before


@pytest.fixture
def changed(registry: TenantRegistry, announced: queue.SimpleQueue[str]) -> Changed:
    """Wait for the next change and return the id of the organisation."""
    registry.ids()
    return lambda: announced.get(timeout=TIMEOUT_S)


def all_of(announced: queue.SimpleQueue[str]) -> list[str]:
    return [announced.get_nowait() for _ in range(announced.qsize())]


def test_files_present_at_the_start_are_served_without_a_thread(
    tmp_path: Path, schemas: PluginSchemas, acme: str
):
    (tmp_path / "acme.ini").write_text(acme)
    (tmp_path / "zeta.ini").write_text(shop("Zeta"))
    registry = TenantRegistry(tmp_path, schemas)
    assert registry.ids() == ("acme", "zeta")
    assert name_of(registry, "acme") == "Acme Records"
    assert registry.get("nobody") is None
    assert registry.problems() == ()


def test_a_host_finds_its_organisation_with_its_port_first(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "first.ini").write_text(shop("First", "localhost:6543, shop.example"))
    (tmp_path / "second.ini").write_text(shop("Second", "localhost:7654"))
    registry.reload()
    found = {
        host: organisation.id if (organisation := registry.by_host(host)) else None
        for host in (
            "localhost:6543",
            "LOCALHOST:6543",
            "localhost:7654",
            "localhost",
            "shop.example:443",
            "x",
            "no host",
        )
    }
    assert found == {
        "localhost:6543": "first",
        "LOCALHOST:6543": "first",
        "localhost:7654": "second",
        "localhost": None,
        "shop.example:443": "first",
        "x": None,
        "no host": None,
    }


def test_a_new_a_changed_and_a_deleted_file_take_effect_while_running(
    tmp_path: Path, registry: TenantRegistry, changed: Changed
):
    (tmp_path / "neighbour.ini").write_text(shop("Neighbour"))
    registry.reload()
    assert changed() == "neighbour"
    registry.start()
    replace(tmp_path / "shop.ini", shop("One"))
    assert (changed(), name_of(registry, "shop")) == ("shop", "One")
    replace(tmp_path / "shop.ini", shop("Two"))
    assert (changed(), name_of(registry, "shop")) == ("shop", "Two")
    (tmp_path / "shop.ini").unlink()
    assert (changed(), registry.get("shop")) == ("shop", None)


def test_a_changed_secret_file_takes_effect_while_running(
    tmp_path: Path, registry: TenantRegistry, changed: Changed, acme: str
):
    secret = tmp_path / "key"
    secret.write_text("sk_test_one")
    (tmp_path / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key"))
    registry.start()
    assert changed() == "acme"
    replace(secret, "sk_test_two")
    assert changed() == "acme"
    assert registry.get("acme").settings["cards"]["test_secret_key"].reveal() == "sk_test_two"  # type: ignore[union-attr]


def test_a_late_secret_file_brings_its_organisation_into_service(
    tmp_path: Path, registry: TenantRegistry, changed: Changed, acme: str
):
    (tmp_path / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key"))
    registry.reload()
    assert [problem.code for problem in registry.problems()] == ["unresolved_reference"]
    registry.start()
    replace(tmp_path / "key", "sk_test_one")
    assert changed() == "acme"
    assert registry.problems() == ()


def test_wake_reads_the_directory_before_the_next_poll(
    tmp_path: Path, schemas: PluginSchemas, announced: queue.SimpleQueue[str]
):
    others = set(threading.enumerate())
    registry = TenantRegistry(tmp_path, schemas, poll_seconds=3600)
    registry.start()
    (tmp_path / "shop.ini").write_text(shop())
    registry.wake()
    assert announced.get(timeout=TIMEOUT_S) == "shop"
    registry.stop()
    assert set(threading.enumerate()) <= others


def test_a_registry_can_be_started_again(tmp_path: Path, registry: TenantRegistry, changed: Changed):
    registry.start()
    registry.start()
    registry.stop()
    registry.stop()
    registry.start()
    replace(tmp_path / "shop.ini", shop())
    assert changed() == "shop"


def test_a_broken_edit_keeps_the_last_good_version_in_service(tmp_path: Path, registry: TenantRegistry):
    path = tmp_path / "shop.ini"
    path.write_text(shop("Good", "shop.example"))
    registry.reload()
    path.write_text("nonsense")
    registry.reload()
    assert name_of(registry, "shop") == "Good"
    assert registry.by_host("shop.example") is registry.get("shop")
    assert {problem.code for problem in registry.problems()} == {"syntax", "missing_section"}
    path.write_text(shop("Mended"))
    registry.reload()
    assert (name_of(registry, "shop"), registry.problems()) == ("Mended", ())


def test_a_broken_edit_is_logged_once_without_its_secret(tmp_path: Path, registry: TenantRegistry, acme: str):
    path = tmp_path / "acme.ini"
    path.write_text(acme)
    registry.reload()
    path.write_text(acme.replace("sk_test_", "sk_live_"))
    with capture_logs() as logs:
        registry.reload()
        registry.reload()
    (entry,) = logs
    assert (entry["event"], entry["log_level"], entry["code"]) == (
        "tenant_problem",
        "warning",
        "live_key_in_test",
    )
    assert entry["file"] == f"{path}:9"
    assert entry["still_serving_last_good"] is True
    assert "abcdef" not in str(logs)


def test_a_known_problem_is_not_logged_again_when_another_file_changes(
    tmp_path: Path, registry: TenantRegistry
):
    (tmp_path / "bad.ini").write_text("nonsense")
    registry.reload()
    (tmp_path / "good.ini").write_text(shop())
    with capture_logs() as logs:
        registry.reload()
    assert [entry["event"] for entry in logs] == ["tenant_changed"]


def test_a_file_broken_from_the_start_is_skipped(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "bad.ini").write_text("nonsense")
    (tmp_path / "good.ini").write_text(shop())
    registry.reload()
    assert registry.ids() == ("good",)


def test_a_file_that_can_be_read_again_is_in_service_again(tmp_path: Path, registry: TenantRegistry):
    path = tmp_path / "shop.ini"
    path.symlink_to(tmp_path / "target")
    registry.reload()
    assert [problem.code for problem in registry.problems()] == ["unreadable_file"]
    (tmp_path / "target").write_text(shop())
    registry.reload()
    assert (registry.ids(), registry.problems()) == (("shop",), ())


def test_a_newcomer_is_served_without_a_host_that_is_taken(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "zeta.ini").write_text(shop("Zeta", "shop.example"))
    registry.reload()
    (tmp_path / "acme.ini").write_text(shop("Acme", "shop.example, acme.example"))
    registry.reload()
    assert registry.ids() == ("acme", "zeta")
    assert registry.by_host("shop.example") is registry.get("zeta")
    # The refused host is not among its hosts, so CORS and return URLs do not accept it.
    assert registry.by_host("acme.example").hosts == ("acme.example",)  # type: ignore[union-attr]
    (problem,) = registry.problems()
    assert (problem.file.name, problem.line, problem.code) == ("acme.ini", 4, "duplicate_host")
    assert "zeta's already" in problem.message


def test_a_released_host_goes_to_the_waiting_organisation(
    tmp_path: Path, registry: TenantRegistry, announced: queue.SimpleQueue[str]
):
    (tmp_path / "zeta.ini").write_text(shop("Zeta", "shop.example"))
    (tmp_path / "zulu.ini").write_text(shop("Zulu", "shop.example"))
    registry.reload()
    assert registry.by_host("shop.example") is registry.get("zeta")
    all_of(announced)
    (tmp_path / "zeta.ini").unlink()
    registry.reload()
    assert registry.by_host("shop.example") is not None
    assert registry.get("zulu").hosts == ("shop.example",)  # type: ignore[union-attr]
    assert (all_of(announced), registry.problems()) == (["zeta", "zulu"], ())


@pytest.mark.parametrize(
    ("first", "second"), [("a.example", "a.example:443"), ("a.example:443", "a.example")]
)
def test_a_host_without_a_port_is_all_its_ports(
    tmp_path: Path, registry: TenantRegistry, first: str, second: str
):
    (tmp_path / "zeta.ini").write_text(shop("Zeta", first))
    registry.reload()
    (tmp_path / "acme.ini").write_text(shop("Acme", second))
    registry.reload()
    assert registry.get("acme").hosts == ()  # type: ignore[union-attr]
    assert registry.by_host("a.example:443") is registry.get("zeta")


def test_two_organisations_may_exchange_their_hosts(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "one.ini").write_text(shop("One", "a.example"))
    (tmp_path / "two.ini").write_text(shop("Two", "b.example"))
    registry.reload()
    (tmp_path / "one.ini").write_text(shop("One", "b.example"))
    (tmp_path / "two.ini").write_text(shop("Two", "a.example"))
    registry.reload()
    assert registry.problems() == ()
    assert registry.by_host("a.example") is registry.get("two")


def test_an_edit_takes_effect_except_for_a_host_that_is_taken(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "one.ini").write_text(shop("One", "a.example"))
    (tmp_path / "two.ini").write_text(shop("Two", "b.example"))
    registry.reload()
    (tmp_path / "one.ini").write_text(shop("New One", "b.example, new.example"))
    (tmp_path / "six.ini").write_text(shop("Six", "a.example"))
    registry.reload()
    assert registry.by_host("new.example").name == "New One"  # type: ignore[union-attr]
    assert registry.by_host("b.example").name == "Two"  # type: ignore[union-attr]
    assert registry.by_host("a.example").name == "Six"  # type: ignore[union-attr]
    assert [problem.file.name for problem in registry.problems()] == ["one.ini"]


def test_polling_removes_a_file_only_when_it_is_missing_twice(tmp_path: Path, registry: TenantRegistry):
    path = tmp_path / "shop.ini"
    path.write_text(shop())
    (tmp_path / "neighbour.ini").write_text(shop())
    registry.reload()
    path.unlink()
    registry._look(immediately=False)
    assert registry.ids() == ("neighbour", "shop")
    registry._look(immediately=False)
    assert registry.ids() == ("neighbour",)


def test_a_wake_during_an_editors_save_removes_no_organisation(
    tmp_path: Path, schemas: PluginSchemas, announced: queue.SimpleQueue[str]
):
    for name in ("acme", "shop"):
        (tmp_path / f"{name}.ini").write_text(shop(name))
    registry = TenantRegistry(tmp_path, schemas, poll_seconds=3600)
    registry.start()
    (tmp_path / "acme.ini").rename(tmp_path / "acme.ini~")
    (tmp_path / "zeta.ini").write_text(shop("Zeta"))
    registry.wake()
    first = announced.get(timeout=TIMEOUT_S)
    (tmp_path / "acme.ini~").rename(tmp_path / "acme.ini")
    registry.stop()
    assert (first, registry.ids()) == ("zeta", ("acme", "shop", "zeta"))


def test_a_file_missing_from_one_directory_listing_stays_in_service(
    tmp_path: Path, registry: TenantRegistry, monkeypatch: pytest.MonkeyPatch
):
    for name in ("neighbour", "shop"):
        (tmp_path / f"{name}.ini").write_text(shop())
    registry.reload()
    scandir = os.scandir

    @contextmanager
    def incomplete(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            yield [entry for entry in entries if entry.name != "shop.ini"]

    monkeypatch.setattr(os, "scandir", incomplete)
    registry.reload()
    assert registry.ids() == ("neighbour", "shop")


def test_a_file_still_being_written_is_not_read_for_a_second(tmp_path: Path, registry: TenantRegistry):
    path = tmp_path / "shop.ini"
    path.write_text(shop("Shop", "shop.example"))
    registry.reload()
    count_as_unfinished_for(10**18, registry)
    for half in ("", "[organisation]\nname = Sh", shop("New").rstrip()):
        path.write_text(half)
        registry._look(immediately=False)
        assert (name_of(registry, "shop"), registry.problems()) == ("Shop", ())
    count_as_unfinished_for(0, registry)
    registry._look(immediately=False)
    assert name_of(registry, "shop") == "New"


@pytest.mark.parametrize("known", [1, 2, 7])
def test_the_loss_of_all_files_at_once_is_refused(tmp_path: Path, registry: TenantRegistry, known: int):
    for number in range(known):
        (tmp_path / f"shop-{number}.ini").write_text(shop(f"{number}", f"{number}.example"))
    registry.reload()
    ids = registry.ids()
    for path in tmp_path.glob("*.ini"):
        path.unlink()
    for _ in range(2):
        registry.reload()
        assert registry.ids() == ids
        assert name_of(registry, "shop-0") == "0"
        assert registry.by_host("0.example") is registry.get("shop-0")
        (problem,) = registry.problems()
        assert problem.code == "organisations_missing"
        assert "autonomy tenants accept" in problem.remedy
    (tmp_path / "shop-0.ini").write_text(shop("Back"))
    registry.reload()
    assert name_of(registry, "shop-0") == "Back"
    registry.reload(accept_losses=True)
    assert (registry.ids(), registry.problems()) == (("shop-0",), ())


@pytest.mark.parametrize(
    ("known", "percent", "lost", "stay"),
    [
        (3, 50, 1, False),
        (3, 50, 2, True),
        (10, 50, 5, False),
        (10, 50, 6, True),
        (10, 10, 2, True),
        (3, 1, 1, False),
    ],
)
def test_a_share_of_the_organisations_may_be_removed_at_once(
    tmp_path: Path, schemas: PluginSchemas, known: int, percent: int, lost: int, stay: bool
):
    registry = TenantRegistry(tmp_path, schemas, rules=Rules(losses_percent=percent))
    for number in range(known):
        (tmp_path / f"shop-{number}.ini").write_text(shop())
    assert len(registry.ids()) == known
    for number in range(lost):
        (tmp_path / f"shop-{number}.ini").unlink()
    registry.reload()
    assert len(registry.ids()) == (known if stay else known - lost)


@pytest.mark.parametrize("host", ["api.example", "API.example:443", "localhost", "localhost:6543"])
def test_an_organisation_cannot_claim_the_servers_own_hosts(
    tmp_path: Path, schemas: PluginSchemas, host: str
):
    (tmp_path / "acme.ini").write_text(shop("Acme", f"{host}, acme.example"))
    own = ServerHosts(("api.example", "localhost:6543"))
    registry = TenantRegistry(tmp_path, schemas, rules=Rules(server=own))
    assert registry.by_host(host) is None
    assert registry.by_host("acme.example").hosts == ("acme.example",)  # type: ignore[union-attr]
    (problem,) = registry.problems()
    assert (problem.file.name, problem.line, problem.code) == ("acme.ini", 4, "duplicate_host")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.7:8000", "[::1]", "[::1]:8000", "2130706433", "0x7f.1"]
)
def test_only_the_default_organisation_may_have_an_ip_address_as_host(
    tmp_path: Path, schemas: PluginSchemas, host: str
):
    (tmp_path / "acme.ini").write_text(shop("Acme", host))
    (tmp_path / "zeta.ini").write_text(shop("Zeta", host))
    registry = TenantRegistry(tmp_path, schemas, rules=Rules(server=ServerHosts(default_organisation="zeta")))
    assert registry.by_host(host) is registry.get("zeta")
    (problem,) = registry.problems()
    assert (problem.file.stem, problem.code) == ("acme", "duplicate_host")
    assert "an IP address is no organisation's host" in problem.message


def test_a_directory_that_disappears_removes_no_organisation(tmp_path: Path, schemas: PluginSchemas):
    directory = tmp_path / "tenants"
    directory.mkdir()
    (directory / "shop.ini").write_text(shop())
    registry = TenantRegistry(directory, schemas)
    registry.reload()
    directory.rename(tmp_path / "away")
    registry.reload()
    assert registry.ids() == ("shop",)
    assert [problem.code for problem in registry.problems()] == ["unreadable_file"]
    (tmp_path / "away").rename(directory)
    registry.reload()
    assert registry.problems() == ()


def test_only_changes_are_announced(
    tmp_path: Path, registry: TenantRegistry, announced: queue.SimpleQueue[str]
):
    (tmp_path / "one.ini").write_text(shop("One"))
    (tmp_path / "two.ini").write_text(shop("Two"))
    registry.reload()
    all_of(announced)
    (tmp_path / "one.ini").write_text(shop("Another"))
    (tmp_path / "two.ini").write_text("# says the same\n" + shop("Two"))
    registry.reload()
    assert all_of(announced) == ["one"]


def test_readers_see_the_old_or_the_new_version_never_a_mixture(tmp_path: Path, registry: TenantRegistry):
    path = tmp_path / "shop.ini"
    path.write_text(shop("v0", "v0.example"))
    registry.reload()
    done, torn = threading.Event(), []

    def read() -> None:
        while not done.wait(0.0001):
            organisation = registry.get("shop")
            if organisation is None or organisation.hosts != (f"{organisation.name}.example",):
                torn.append(organisation)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 101):
        # Every third version is broken, and must be invisible.
        replace(path, "broken" if number % 3 == 0 else shop(f"v{number}", f"v{number}.example"))
        registry.reload()
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert name_of(registry, "shop") == "v100"
