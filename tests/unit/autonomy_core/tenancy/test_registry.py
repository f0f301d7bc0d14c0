from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.registry import TenantRegistry

PATIENCE = 60.0  # seconds after which a test gives up; it asserts no time

Changed = Callable[[], str]


def shop(name: str = "Shop", hosts: str = "") -> str:
    return f"[organisation]\nname = {name}\ncurrency = eur\nhosts = {hosts}\n"


def replace(path: Path, text: str) -> None:
    """Write as careful editors do: a new file, moved over the old one."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def name_of(registry: TenantRegistry, organisation_id: str) -> str | None:
    organisation = registry.get(organisation_id)
    return organisation.name if organisation else None


@pytest.fixture
def changed(registry: TenantRegistry) -> Changed:
    """Waits for the next change and returns the id of the organisation."""
    changes: queue.Queue[str] = queue.Queue()
    registry.subscribe(changes.put)
    return lambda: changes.get(timeout=PATIENCE)


def test_what_is_there_at_the_start_is_in_service_without_a_thread(
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
    (tmp_path / "second.ini").write_text(shop("Second", "localhost"))
    registry.reload()
    found = {
        host: organisation.id if (organisation := registry.by_host(host)) else None
        for host in (
            "localhost:6543",
            "LOCALHOST:6543",
            "localhost:1",
            "localhost",
            "shop.example:443",
            "x",
            "no host",
        )
    }
    assert found == {
        "localhost:6543": "first",
        "LOCALHOST:6543": "first",
        "localhost:1": "second",
        "localhost": "second",
        "shop.example:443": "first",
        "x": None,
        "no host": None,
    }


def test_a_new_a_changed_and_a_deleted_file_take_effect_while_running(
    tmp_path: Path, registry: TenantRegistry, changed: Changed
):
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


def test_a_secret_file_that_appears_later_brings_the_organisation_into_service(
    tmp_path: Path, registry: TenantRegistry, changed: Changed, acme: str
):
    (tmp_path / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key"))
    registry.reload()
    assert [problem.code for problem in registry.problems()] == ["unresolved_reference"]
    registry.start()
    replace(tmp_path / "key", "sk_test_one")
    assert changed() == "acme"
    assert registry.problems() == ()


def test_waking_looks_at_once_however_long_the_poll(tmp_path: Path, schemas: PluginSchemas):
    others = set(threading.enumerate())
    registry = TenantRegistry(tmp_path, schemas, poll_seconds=3600)
    seen = threading.Event()
    registry.subscribe(lambda _: seen.set())
    registry.start()
    (tmp_path / "shop.ini").write_text(shop())
    registry.wake()
    assert seen.wait(PATIENCE)
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


def test_a_broken_edit_is_logged_once_with_its_line_and_without_its_secret(
    tmp_path: Path, registry: TenantRegistry, acme: str
):
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


def test_a_file_broken_from_the_start_serves_nobody_and_disturbs_nobody(
    tmp_path: Path, registry: TenantRegistry
):
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


def test_a_host_in_service_stays_with_its_owner(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "zeta.ini").write_text(shop("Zeta", "shop.example"))
    registry.reload()
    (tmp_path / "acme.ini").write_text(shop("Acme", "shop.example"))
    registry.reload()
    assert registry.ids() == ("zeta",)
    (problem,) = registry.problems()
    assert (problem.file.name, problem.code) == ("acme.ini", "duplicate_host")


def test_a_host_given_up_goes_to_the_one_who_waits_for_it(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "zeta.ini").write_text(shop("Zeta", "shop.example"))
    (tmp_path / "zulu.ini").write_text(shop("Zulu", "shop.example"))
    registry.reload()
    assert registry.ids() == ("zeta",)
    (tmp_path / "zeta.ini").unlink()
    registry.reload()
    assert registry.by_host("shop.example") is registry.get("zulu")
    assert registry.problems() == ()


def test_two_organisations_may_exchange_their_hosts(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "one.ini").write_text(shop("One", "a.example"))
    (tmp_path / "two.ini").write_text(shop("Two", "b.example"))
    registry.reload()
    (tmp_path / "one.ini").write_text(shop("One", "b.example"))
    (tmp_path / "two.ini").write_text(shop("Two", "a.example"))
    registry.reload()
    assert registry.problems() == ()
    assert registry.by_host("a.example") is registry.get("two")


def test_an_edit_refused_for_one_host_keeps_the_old_hosts_from_others(
    tmp_path: Path, registry: TenantRegistry
):
    (tmp_path / "one.ini").write_text(shop("One", "a.example"))
    (tmp_path / "two.ini").write_text(shop("Two", "b.example"))
    registry.reload()
    (tmp_path / "one.ini").write_text(shop("New One", "b.example"))  # refused, so a.example is still one's
    (tmp_path / "six.ini").write_text(shop("Six", "a.example"))
    registry.reload()
    assert registry.ids() == ("one", "two")
    assert name_of(registry, "one") == "One"
    assert [problem.file.name for problem in registry.problems()] == ["one.ini", "six.ini"]


def test_polling_takes_a_file_for_deleted_only_at_the_second_look(tmp_path: Path, registry: TenantRegistry):
    path = tmp_path / "shop.ini"
    path.write_text(shop())
    registry.reload()
    path.unlink()
    registry._look(forget_missing=False)
    assert registry.ids() == ("shop",)
    registry._look(forget_missing=False)
    assert registry.ids() == ()


def test_a_directory_that_goes_away_removes_nobody(tmp_path: Path, schemas: PluginSchemas):
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


def test_only_what_changed_is_announced(tmp_path: Path, registry: TenantRegistry):
    (tmp_path / "one.ini").write_text(shop("One"))
    (tmp_path / "two.ini").write_text(shop("Two"))
    registry.reload()
    announced: list[str] = []
    registry.subscribe(announced.append)
    (tmp_path / "one.ini").write_text(shop("Another"))
    (tmp_path / "two.ini").write_text("# says the same\n" + shop("Two"))
    registry.reload()
    assert announced == ["one"]


def test_a_listener_sees_the_new_version_and_its_failure_stops_nobody(
    tmp_path: Path, registry: TenantRegistry
):
    seen: list[str | None] = []

    def fail(organisation_id: str) -> None:
        raise RuntimeError("hunter2")

    registry.subscribe(fail)
    registry.subscribe(lambda organisation_id: seen.append(name_of(registry, organisation_id)))
    (tmp_path / "shop.ini").write_text(shop("New"))
    with capture_logs() as logs:
        registry.reload()
    assert seen == ["New"]
    assert "tenant_listener_failed" in [entry["event"] for entry in logs]
    assert "hunter2" not in str(logs)


def test_who_unsubscribed_hears_nothing(tmp_path: Path, registry: TenantRegistry):
    announced: list[str] = []
    unsubscribe = registry.subscribe(announced.append)
    unsubscribe()
    (tmp_path / "shop.ini").write_text(shop())
    registry.reload()
    assert announced == []


def test_readers_see_the_old_version_or_the_new_one_and_never_a_mixture(
    tmp_path: Path, registry: TenantRegistry
):
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
