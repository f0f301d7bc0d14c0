"""Each protection is removed in turn, and the attacks must notice it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text, true
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.orm.util import LoaderCriteriaOption

from autonomy_core.db import driver, session
from autonomy_core.db.base import OrganisationScoped
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.isolation import POLICY, quote, unisolated_tables
from autonomy_core.tenancy import claims
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.testing.application import Autonomy
from autonomy_core.traversal import addressing
from customer_auth.sessions import access_tokens, open_logins
from tests.functional.customer_auth.shop import Shop
from tests.isolation import http_attacks, sql_attacks
from tests.isolation.ini_attacks import VICTIM, Server
from tests.isolation.sides import NEUTRAL_HOST, World
from tests.isolation.tables import rows_written, tenant_tables


@dataclass
class Copy:
    """The world in a database of the test's own, and that database as its owner sees it."""

    world: World
    owner: Engine


@pytest.fixture
def copy(committed_world: World, postgresql: EmbeddedServer) -> Copy:
    name = make_url(committed_world.autonomy.database.url).database
    return Copy(committed_world, create_engine(postgresql.url(name), poolclass=NullPool))


def change(owner: Engine, statements: str) -> None:
    with owner.begin() as connection:
        connection.execute(text(statements))


def tables_of(owner: Engine) -> list[str]:
    with owner.connect() as connection:
        return [table.name for table in tenant_tables(connection)]


def unnoticed(world: World) -> list[str]:
    """The tables on which the attacks find nothing. Each attack ends at its first breach."""
    with world.autonomy.scope(world.one.id) as scope:
        return [
            table.name
            for table in tenant_tables(scope.session)
            if not any(sql_attacks.breaches_of(scope, table, world.other.id))
        ]


def disable(table: str) -> str:
    return f"ALTER TABLE {quote(table)} DISABLE ROW LEVEL SECURITY"


def allow_all(table: str) -> str:
    return f"ALTER POLICY {POLICY} ON {quote(table)} USING (true) WITH CHECK (true)"


def allow_reading(table: str) -> str:
    return f"CREATE POLICY wide ON {quote(table)} FOR SELECT USING (true)"


def allow_writing(table: str) -> str:
    return f"CREATE POLICY wide ON {quote(table)} FOR INSERT WITH CHECK (true)"


def drop_policy(table: str) -> str:
    return f"DROP POLICY {POLICY} ON {quote(table)}"


@pytest.mark.parametrize("weaken", [disable, allow_all, allow_reading, allow_writing, drop_policy])
def test_a_weakened_policy_is_noticed_on_whichever_table(copy: Copy, weaken: Callable[[str], str]) -> None:
    # That the same attacks find nothing before is tested in `test_inside_a_plugin`.
    tables = tables_of(copy.owner)
    change(copy.owner, "; ".join(map(weaken, tables)))
    assert unnoticed(copy.world) == []
    with copy.owner.connect() as connection:
        reported = {line.partition(": ")[0] for line in unisolated_tables(connection)}
    assert reported >= set(tables)


def test_an_application_that_connects_as_the_owner_is_noticed(copy: Copy) -> None:
    copy.world.autonomy.database._bind = copy.owner
    assert unnoticed(copy.world) == []


def without_condition() -> LoaderCriteriaOption:
    return with_loader_criteria(OrganisationScoped, lambda _: true())


def breaches_of_the_list(copy: Copy) -> list[str]:
    calls = [call for call in copy.world.calls if call.path == "/products"]
    with copy.world.autonomy.database.rolled_back():
        return http_attacks.breaches(copy.world, calls)


def test_without_a_policy_the_sessions_condition_still_holds(copy: Copy) -> None:
    change(copy.owner, disable("products"))
    assert breaches_of_the_list(copy) == []


def test_a_list_without_policy_and_condition_is_noticed(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    change(copy.owner, disable("products"))
    monkeypatch.setattr(session, "_rows_of", lambda _: without_condition())
    assert any(copy.world.other.marker in breach for breach in breaches_of_the_list(copy))


def test_a_call_without_an_attack_is_reported(world: World) -> None:
    del world.one.identifiers["product_id"]
    found = http_attacks.breaches(
        world, [call for call in world.calls if call.path == "/products/{product_id}"]
    )
    assert any("cannot be attacked: GET /products/{product_id}" in breach for breach in found)


def test_a_call_whose_right_credentials_are_refused_is_reported(world: World) -> None:
    world.one.credentials["staff"] = "ak_useless"
    found = http_attacks.breaches(world, [call for call in world.calls if call.path == "/admin/products"])
    assert any("the right credentials are refused" in breach for breach in found)


def test_a_row_that_is_written_and_undone_counts_as_written(world: World) -> None:
    connection = world.autonomy.database._bind
    before = rows_written(connection)
    with world.undone(), world.autonomy.scope(world.other.id) as scope:
        scope.session.execute(text("UPDATE products SET amount = amount"))
    assert rows_written(connection) > before


@pytest.fixture
def noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Replaces something, and gives what the attacks on the calls whose path fits say to it."""

    def attack(module: object, name: str, replacement: object, path: str) -> list[str]:
        calls = [call for call in world.calls if call.path == path]
        assert http_attacks.breaches(world, calls) == []
        monkeypatch.setattr(module, name, replacement)
        return http_attacks.breaches(world, calls)

    return attack


def test_sessions_without_an_organisation_are_noticed(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "SCOPE_TO_ORGANISATION", "SELECT {organisation_id}")
    with committed_world.autonomy.scope(committed_world.one.id) as scope:
        found = sql_attacks.breaches(scope, committed_world.other.id, [sql_attacks.reading])
    assert "products: there are no own rows, so the attack proves nothing" in found


WRONG_ORGANISATION = "SELECT set_config('autonomy.organisation', 'beacon', true), {organisation_id}"


def test_in_the_wrong_transaction_statements_find_no_rows(noticed) -> None:
    assert noticed(driver, "SCOPE_TO_ORGANISATION", WRONG_ORGANISATION, "/products") == []


def test_wrong_transactions_without_conditions_are_noticed(noticed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_rows_of", lambda _: without_condition())
    assert noticed(driver, "SCOPE_TO_ORGANISATION", WRONG_ORGANISATION, "/products") != []


def test_hosts_that_serve_every_organisation_are_noticed(noticed) -> None:
    found = noticed(addressing, "_is_default_host", lambda *_: True, "/customers/me")
    assert any("at the other's host" in breach for breach in found)


def test_tokens_valid_in_every_organisation_are_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three protections: the key, the issuer in the token, and the row of the login. Each alone is enough.
    key = b"one key for everybody".ljust(32)
    monkeypatch.setattr(access_tokens, "organisation_key", lambda *_: key)
    monkeypatch.setattr(access_tokens, "organisation_keys", lambda *_: (key,))
    for side in (world.one, world.other):
        login = Shop(world.autonomy, side.id).login(side.identifiers["email"], side.identifiers["password"])
        side.credentials["owner"] = login.json["access_token"]
    calls = [call for call in world.calls if call.path == "/customers/payments"]
    assert http_attacks.breaches(world, calls) == []
    monkeypatch.setattr(access_tokens, "_registry", lambda _: access_tokens.jwt.JWTClaimsRegistry())
    assert http_attacks.breaches(world, calls) == []
    monkeypatch.setattr(open_logins.OpenLogins, "has", lambda *_: True)
    found = http_attacks.breaches(world, calls)
    assert any("the other's owner token" in breach and "is answered 200" in breach for breach in found)


def test_hosts_that_a_restart_reassigns_are_noticed(
    autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(autonomy, monkeypatch)
    server.write("victim", VICTIM)
    server.write("attacker", VICTIM)
    server.restart()
    assert server.name_at(VICTIM) == "Victim"
    monkeypatch.setattr(TenantRecord, "order", lambda *_: {})
    server.restart()
    assert server.name_at(VICTIM) == "Attacker"


def test_server_hosts_that_an_organisation_may_claim_are_noticed(
    autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(autonomy, monkeypatch)
    monkeypatch.setattr(claims, "_objection", lambda *_: None)
    server.write("attacker", NEUTRAL_HOST)
    assert server.name_at(NEUTRAL_HOST) == "Attacker"


def test_a_server_without_the_last_valid_version_is_noticed(
    autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(autonomy, monkeypatch)
    server.write("victim", VICTIM)
    server.restart()
    (server.directory / "victim.ini").write_text("nonsense\n")
    monkeypatch.setattr(TenantRecord, "content", lambda *_: None)
    server.restart()
    assert server.name_at(VICTIM) is None
