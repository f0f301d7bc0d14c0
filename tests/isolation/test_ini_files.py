"""An admin writes one file, and may write anything into it: what becomes of the other organisations?

Each attack is looked at in the running server, after a restart, and by the command line, which must all say the same.
"""

from __future__ import annotations

import pytest

from autonomy_core.security.cors import is_own_origin
from autonomy_core.tenancy.domain import Problem
from autonomy_core.testing.application import Autonomy
from tests.isolation.ini_attacks import VICTIM, Server
from tests.isolation.sides import NEUTRAL_HOST


@pytest.fixture
def server(autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with a victim; whoever attacks comes first in the alphabet, and later in time."""
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
def test_nobody_takes_a_host_that_is_anothers(server: Server, hosts: str):
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
def test_a_host_that_was_refused_lets_no_page_call_and_no_buyer_return(server: Server, hosts: str):
    server.write("attacker", hosts)
    for _ in range(2):
        organisation = server.autonomy.app.app.registry.runtime.tenants.get("attacker")
        assert organisation.hosts == ()
        assert not is_own_origin(organisation, f"https://{VICTIM}", NEUTRAL_HOST)
        server.restart()


@pytest.mark.parametrize(
    "hosts", [NEUTRAL_HOST, f"{NEUTRAL_HOST}:443", "127.0.0.1:8000", "[::1]", "10.0.0.7"]
)
def test_nobody_takes_the_servers_own_hosts_and_addresses(server: Server, hosts: str):
    server.write("attacker", hosts)
    host = hosts.partition(",")[0]
    for problems in after_everything(server):
        assert [(each.file.name, each.line, each.code) for each in problems] == [
            ("attacker.ini", 4, "duplicate_host")
        ]
        assert server.name_at(host) is None
        assert server.status_of("/victim/api/v1/openapi.json", host) == 200


def test_a_host_is_free_when_its_owner_gives_it_up_and_not_before(server: Server):
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
def test_a_file_that_is_no_file_harms_its_own_organisation_alone(server: Server, nonsense: str):
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


def test_a_reference_to_anothers_secret_is_resolved_for_the_own_file_alone(server: Server):
    """The files are the operator's: whoever may write one of them may read what the server's user may."""
    (server.directory / "victims-secret").write_text("whsec_of_the_victim\n")
    server.write("attacker", "attacker.example", "support_email = file:victims-secret\n")
    assert [each.code for each in server.problems] == ["invalid_value"]
    assert "whsec_of_the_victim" not in str(server.problems)


def test_files_that_are_gone_at_once_end_nobodys_service(server: Server):
    server.write("neighbour", "neighbour.example")
    server.restart()
    for file in server.directory.glob("*.ini"):
        file.unlink()
    server.look()
    for problems in after_everything(server):
        assert [each.code for each in problems] == ["organisations_missing"]
        assert server.name_at(VICTIM) == "Victim"
        assert server.name_at("neighbour.example") == "Neighbour"
