"""Plugins' checks are run for each organisation that has the plugin, and what they find is remembered."""

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


def test_each_organisation_that_has_the_plugin_is_looked_at(autonomy: Autonomy):
    organisations = [
        autonomy.organisation("acme", plugins=("toys",)),
        autonomy.organisation("bare", plugins=()),
    ]
    found = {each.organisation_id: each for each in examine(autonomy.runtime, organisations)}
    assert found["bare"].findings == ()
    assert found["acme"].findings[0] == ("toys.stock", replace(ALARM, subject="acme"))
    assert (found["acme"].has_errors, found["bare"].has_errors) == (True, False)


def test_a_check_that_raises_is_a_finding_and_does_not_quote_what_it_raised(autonomy: Autonomy):
    (examined,) = examine(autonomy.runtime, [autonomy.organisation("acme", plugins=("toys",))])
    name, finding = examined.findings[-1]
    assert (name, finding.code, finding.severity) == ("toys.broken", "check_failed", "error")
    assert "RuntimeError" in finding.message
    assert "secret" not in str(finding)


def test_several_organisations_are_looked_at_at_once(committed: Autonomy):
    organisations = [committed.organisation(f"shop{number}", plugins=("toys",)) for number in range(12)]
    found = list(examine(committed.runtime, organisations))
    assert sorted(each.organisation_id for each in found) == sorted(each.id for each in organisations)


def test_what_was_found_is_remembered_and_what_is_newer_replaces_it(tmp_path: Path):
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
def test_a_report_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, content: bytes):
    (tmp_path / FILE).write_bytes(content)
    assert recall(tmp_path) == ()


def test_a_finding_says_all_in_a_line():
    assert str(ALARM) == "error: empty: records: nothing is in stock (order more)"
    assert str(Finding("plays", "info", "played 7 times")) == "info: plays: played 7 times"


def test_what_was_gathered_is_written_for_each_organisation(autonomy: Autonomy):
    (plays,) = autonomy.runtime.flushes
    autonomy.organisation("acme", plugins=("toys",))
    plays.counted += ["nobody", "acme"]
    flush_all(autonomy.runtime)
    assert (plays.written, plays.counted) == (["acme"], ["nobody"])


def test_a_thread_writes_by_itself_and_at_the_end(committed: Autonomy):
    plays = Plays()
    committed.organisation("acme", plugins=("toys",))
    plays.counted.append("acme")
    stop = keep_flushing(replace(committed.runtime, flushes=(plays,)), every_s=0.01)
    assert plays.done.wait(30)
    plays.counted.append("acme")
    stop()
    assert plays.written == ["acme", "acme"]


def test_what_cannot_be_written_waits_on(autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch):
    (plays,) = autonomy.runtime.flushes
    autonomy.organisation("acme", plugins=("toys",))
    plays.counted[:] = ["acme"]
    with monkeypatch.context() as patched:
        patched.setattr(autonomy.runtime.database, "transaction", None)
        flush_all(autonomy.runtime)
    assert plays.counted == ["acme"]
    flush_all(autonomy.runtime)
    assert plays.counted == []


def test_what_a_check_had_found_before_it_raised_is_told(autonomy: Autonomy):
    (examined,) = examine(autonomy.runtime, [autonomy.organisation("acme", plugins=("toys",))])
    assert [finding.code for name, finding in examined.findings if name == "toys.half"] == [
        "empty",
        "check_failed",
    ]
