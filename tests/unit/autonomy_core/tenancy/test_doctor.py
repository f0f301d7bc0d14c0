"""The checks of plugins run for each organisation that has the plugin; their findings are kept."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.operations.doctor import FILE, Examined, examine, recall, remember
from autonomy_core.operations.flushing import flush_all, keep_flushing
from autonomy_core.plugin_api.checks import Finding, OrganisationCheck
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy

ALARM = Finding("empty", "error", "nothing is in stock", "order more", subject="records")


@hookimpl
def register_checks():
    def stock(scope):
        yield replace(ALARM, subject=scope.organisation.id)

    def broken(scope):
        raise RuntimeError("with a secret")

    def half(scope):
        yield ALARM
        raise RuntimeError("with a secret")

    checks = {"toys.stock": stock, "toys.half": half, "toys.broken": broken}
    return [OrganisationCheck(name, check) for name, check in checks.items()]


class Plays:
    name = "toys.plays"

    def __init__(self):
        self.counted: list[str] = []
        self.written: list[str] = []
        self.done = threading.Event()

    def waiting(self):
        return tuple(dict.fromkeys(self.counted))

    def write(self, scope):
        self.counted.remove(scope.organisation.id)
        self.written.append(scope.organisation.id)
        self.done.set()


@hookimpl
def register_flushes():
    return [Plays()]


@pytest.fixture(scope="module")
def autonomy_plugins():
    module = ModuleType("toys.plugin")
    module.register_checks, module.register_flushes = register_checks, register_flushes
    return Plugins({"toys": module, stand_ins.NAME: stand_ins})


def plays_of(autonomy: Autonomy) -> Plays:
    """The plugin's own counts; the core has others."""
    (plays,) = (flush for flush in autonomy.runtime.flushes if isinstance(flush, Plays))
    return plays


def test_each_organisation_with_the_plugin_is_checked(autonomy: Autonomy):
    organisations = [
        autonomy.organisation("acme", plugins=("toys",)),
        autonomy.organisation("bare", plugins=()),
    ]
    found = {each.organisation_id: each for each in examine(autonomy.runtime, organisations)}
    assert found["bare"].findings == ()
    assert found["acme"].findings[0] == ("toys.stock", replace(ALARM, subject="acme"))
    assert (found["acme"].has_errors, found["bare"].has_errors) == (True, False)


def test_a_check_that_raises_is_a_finding_without_the_error_text(autonomy: Autonomy):
    (examined,) = examine(autonomy.runtime, [autonomy.organisation("acme", plugins=("toys",))])
    name, finding = examined.findings[-1]
    assert (name, finding.code, finding.severity) == ("toys.broken", "check_failed", "error")
    assert "RuntimeError" in finding.message
    assert "secret" not in str(finding)


def test_several_organisations_are_checked_in_parallel(committed: Autonomy):
    organisations = [committed.organisation(f"shop{number}", plugins=("toys",)) for number in range(12)]
    found = list(examine(committed.runtime, organisations))
    assert sorted(each.organisation_id for each in found) == sorted(each.id for each in organisations)


def test_a_report_is_kept_until_a_newer_one_replaces_it(tmp_path: Path):
    old, new, other = (
        Examined("acme", "2026-11-01T00:00:00+00:00", (("toys.stock", ALARM),)),
        Examined("acme", "2026-11-02T00:00:00+00:00", ()),
        Examined("other", "2026-11-01T00:00:00+00:00", (("toys.stock", ALARM),)),
    )
    assert recall(tmp_path) == ()
    remember(tmp_path, [old, other])
    assert set(recall(tmp_path)) == {old, other}
    remember(tmp_path, [new])
    assert set(recall(tmp_path)) == {new, other}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'[{"organisation": "acme"}]', b"\xff"])
def test_an_unreadable_report_counts_as_none(tmp_path: Path, content: bytes):
    (tmp_path / FILE).write_bytes(content)
    assert recall(tmp_path) == ()


def test_a_finding_fits_on_one_line():
    assert str(ALARM) == "error: empty: records: nothing is in stock (order more)"
    assert str(Finding("plays", "info", "played 7 times")) == "info: plays: played 7 times"


def test_the_findings_are_written_for_each_organisation(autonomy: Autonomy):
    plays = plays_of(autonomy)
    autonomy.organisation("acme", plugins=("toys",))
    plays.counted += ["nobody", "acme"]
    flush_all(autonomy.runtime)
    assert (plays.written, plays.counted) == (["acme"], ["nobody"])


def test_a_thread_writes_periodically_and_when_it_stops(committed: Autonomy):
    plays = Plays()
    committed.organisation("acme", plugins=("toys",))
    plays.counted.append("acme")
    stop = keep_flushing(replace(committed.runtime, flushes=(plays,)), every_s=0.01)
    assert plays.done.wait(30)
    plays.counted.append("acme")
    stop()
    assert plays.written == ["acme", "acme"]


def test_a_report_that_cannot_be_written_is_kept_for_the_next_try(
    autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch
):
    plays = plays_of(autonomy)
    autonomy.organisation("acme", plugins=("toys",))
    plays.counted[:] = ["acme"]
    with monkeypatch.context() as patched:
        patched.setattr(autonomy.runtime.database, "transaction", None)
        flush_all(autonomy.runtime)
    assert plays.counted == ["acme"]
    flush_all(autonomy.runtime)
    assert plays.counted == []


def test_findings_made_before_a_check_raises_are_reported(autonomy: Autonomy):
    (examined,) = examine(autonomy.runtime, [autonomy.organisation("acme", plugins=("toys",))])
    assert [finding.code for name, finding in examined.findings if name == "toys.half"] == [
        "empty",
        "check_failed",
    ]
