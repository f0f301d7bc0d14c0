"""A server whose admins write anything into their files, and what its visitors then see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.settings import rules_of
from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.domain import Problem
from autonomy_core.testing.application import Autonomy
from tests.isolation.sides import NEUTRAL_HOST
from tests.support.registry_restart import restart

VICTIM = "victim.example"


@dataclass
class Server:
    """The server, as its admins and its visitors see it.

    Attributes:
        problems: what the running server has found, by the latest look.
    """

    autonomy: Autonomy
    monkeypatch: pytest.MonkeyPatch
    problems: tuple[Problem, ...] = field(default=())

    @property
    def directory(self) -> Path:
        return self.autonomy.runtime.settings.tenants

    def write(self, organisation_id: str, hosts: str, more: str = "") -> None:
        """Save a file; the server takes it at once."""
        text = f"[organisation]\nname = {organisation_id.title()}\ncurrency = eur\nhosts = {hosts}\n{more}"
        (self.directory / f"{organisation_id}.ini").write_text(text)
        self.look()

    def look(self) -> None:
        tenants = runtime_of(self.autonomy.app.app.registry).tenants
        tenants.reload()
        self.problems = tenants.problems()

    def restart(self) -> None:
        self.problems = restart(self.autonomy, self.monkeypatch).problems()

    def told_by_the_command_line(self) -> tuple[Problem, ...]:
        runtime = self.autonomy.runtime
        offered = dict(runtime.plugins.registered("register_settings"))
        schemas = {name: offered.get(name, PluginSettings()).organisation for name in runtime.plugins.names}
        return load_directory(self.directory, schemas, rules_of(runtime.settings)).problems

    def name_at(self, host: str) -> str | None:
        """The organisation that answers on a host, or by its path if no organisation has the host."""
        answer = self.autonomy.app.get("/api/v1/docs", headers={"Host": host}, expect_errors=True)
        title = re.search("<title>(.*) API</title>", answer.text)
        return title[1] if title else None

    def status_of(self, path: str, host: str = NEUTRAL_HOST) -> int:
        answer = self.autonomy.app.get(path, headers={"Host": host}, expect_errors=True)
        return int(answer.status_int)
