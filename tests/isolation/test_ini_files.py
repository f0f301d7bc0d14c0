"""An admin writes one file, and may write anything into it: what becomes of the other organisations?

Each attack is checked in the running server, after a restart, and by the command line.
"""

from __future__ import annotations

import pytest

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.security.cors import is_own_origin
from autonomy_core.tenancy.domain import Problem
from autonomy_core.testing.application import Autonomy
from tests.isolation.ini_attacks import VICTIM, Server
from tests.isolation.sides import NEUTRAL_HOST


@pytest.fixture
def server(autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with a victim; the attacker is first in the alphabet and later in time."""
    made = Server(autonomy, monkeypatch)
    made.write("victim", VICTIM)
    return made


def after_everything(server: Server) -> list[tuple[Problem, ...]]:
    """The problems that the server tells now, after two restarts, and by the command line."""
    told = [server.problems]
    for _ in range(2):
        server.restart()
        told.append(server.problems)
    return [*told, server.told_by_the_command_line()]


@pytest.mark.parametrize(
    "hosts",
    [
        VICTIM,
        "VICTIM.example.",
        f"{VICTIM}:443",
        f"{VICTIM}:8443, {VICTIM}",
        f"attacker.example, {VICTIM}:80",
    ],
)
def test_a_host_cannot_be_taken_from_its_organisation(server: Server, hosts: str):
    server.write("attacker", hosts)
    for problems in after_everything(server):
        assert {(each.file.name, each.line, each.code) for each in problems} == {
            ("attacker.ini", 4, "duplicate_host")
        }
        for host in (VICTIM, f"{VICTIM}:443", f"{VICTIM}:8443"):
            assert server.name_at(host) == "Victim"
        assert server.status_of("/victim/api/v1/openapi.json") == 200
        # Nor does the attack take the attacker's own service from it.
        assert server.status_of("/attacker/api/v1/openapi.json") == 200
    if "attacker.example" in hosts:
        assert server.name_at("attacker.example") == "Attacker"


@pytest.mark.parametrize("hosts", [VICTIM, f"{VICTIM}:443"])
def test_a_refused_host_is_no_origin_and_no_return_url(server: Server, hosts: str):
    server.write("attacker", hosts)
    for _ in range(2):
        organisation = runtime_of(server.autonomy.app.app.registry).tenants.get("attacker")
        assert organisation.hosts == ()
        assert not is_own_origin(organisation, f"https://{VICTIM}", NEUTRAL_HOST)
        server.restart()


@pytest.mark.parametrize(
    "hosts", [NEUTRAL_HOST, f"{NEUTRAL_HOST}:443", "127.0.0.1:8000", "[::1]", "10.0.0.7"]
)
def test_the_servers_own_hosts_and_addresses_cannot_be_claimed(server: Server, hosts: str):
    server.write("attacker", hosts)
    host = hosts.partition(",")[0]
    for problems in after_everything(server):
        assert [(each.file.name, each.line, each.code) for each in problems] == [
            ("attacker.ini", 4, "duplicate_host")
        ]
        assert server.name_at(host) is None
        assert server.status_of("/victim/api/v1/openapi.json", host) == 200


def test_a_host_is_free_only_after_its_owner_releases_it(server: Server):
    server.write("attacker", VICTIM)
    server.restart()
    (server.directory / "victim.ini").write_text("[organisation]\nnonsense\n")
    server.look()
    assert server.name_at(VICTIM) == "Victim"
    server.restart()
    assert server.name_at(VICTIM) == "Victim"
    server.write("victim", "elsewhere.example")
    assert (server.name_at(VICTIM), server.name_at("elsewhere.example")) == ("Attacker", "Victim")
    server.restart()
    assert (server.name_at(VICTIM), server.name_at("elsewhere.example")) == ("Attacker", "Victim")


@pytest.mark.parametrize(
    "nonsense", ["", "\x00\n", "[organisation]\nhosts = victim.example\n", "[" * 10_000, "é"]
)
def test_an_irregular_file_affects_its_own_organisation_only(server: Server, nonsense: str):
    server.write("attacker", "attacker.example")
    server.restart()
    (server.directory / "attacker.ini").write_bytes(nonsense.encode("latin-1"))
    server.look()
    for problems in after_everything(server):
        assert problems
        assert {each.file.name for each in problems} == {"attacker.ini"}
        assert server.name_at(VICTIM) == "Victim"
        # What it was before is still served.
        assert server.name_at("attacker.example") == "Attacker"


def test_a_reference_to_a_foreign_secret_gives_no_access(server: Server):
    """The operator owns the files: an author of one may read what the server's user may read."""
    (server.directory / "victims-secret").write_text("whsec_of_the_victim\n")
    server.write("attacker", "attacker.example", "support_email = file:victims-secret\n")
    assert [each.code for each in server.problems] == ["invalid_value"]
    assert "whsec_of_the_victim" not in str(server.problems)


def test_the_loss_of_all_files_at_once_stops_no_organisation(server: Server):
    server.write("neighbour", "neighbour.example")
    server.restart()
    for file in server.directory.glob("*.ini"):
        file.unlink()
    server.look()
    for problems in after_everything(server):
        assert [each.code for each in problems] == ["organisations_missing"]
        assert server.name_at(VICTIM) == "Victim"
        assert server.name_at("neighbour.example") == "Neighbour"
