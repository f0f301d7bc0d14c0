"""Customers of two organisations, one of whom may well be the customer of both."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest
from pyramid.interfaces import ISecurityPolicy
from pyramid.request import Request
from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.kernel.identity import SCOPES, Identity, staff_identity
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import Payment
from autonomy_core.testing.application import Autonomy
from tests.isolation.sides import Side, World

ADA = "ada@example.org"


def register(world: World, side: Side) -> dict:
    body = {"email": ADA, "password": f"engine of {side.id}", "name": side.marker}
    return world.autonomy.app.post_json(f"/{side.id}/api/v1/customers/register", body, status=201).json


def log_in(world: World, side: Side, password: str, status: int) -> None:
    body = {"email": ADA, "password": password}
    world.autonomy.app.post_json(f"/{side.id}/api/v1/customers/login", body, status=status)


def get(world: World, side: Side, path: str, token: str, status: int = 200) -> dict:
    headers = {"Authorization": f"Bearer {token}"}
    return world.autonomy.app.get(f"/{side.id}/api/v1/customers/{path}", headers=headers, status=status).json


@pytest.fixture
def accounts(world: World) -> tuple[dict, dict]:
    """The tokens of one person who registers at both organisations."""
    return register(world, world.one), register(world, world.other)


def test_one_address_in_two_organisations_is_two_customers(world: World, accounts: tuple[dict, dict]) -> None:
    here, there = accounts
    assert here["customer"]["id"] != there["customer"]["id"]
    log_in(world, world.one, "engine of acme", 200)
    log_in(world, world.one, "engine of beacon", 401)
    log_in(world, world.other, "engine of beacon", 200)
    log_in(world, world.other, "engine of acme", 401)


def test_tokens_are_valid_in_their_organisation_only(world: World, accounts: tuple[dict, dict]) -> None:
    here, there = accounts
    assert get(world, world.one, "me", here["access_token"])["name"] == world.one.marker
    get(world, world.one, "me", there["access_token"], 401)
    body = {"refresh_token": there["refresh_token"]}
    world.autonomy.app.post_json("/acme/api/v1/customers/logout", body, status=204)
    world.autonomy.app.post_json("/acme/api/v1/customers/refresh", body, status=401)
    world.autonomy.app.post_json("/beacon/api/v1/customers/refresh", body, status=200)


def test_failed_logins_lock_the_account_of_one_organisation_only(
    world: World, accounts: tuple[dict, dict]
) -> None:
    for _ in range(10):
        log_in(world, world.one, "a wrong guess", 401)
    log_in(world, world.one, "engine of acme", 429)
    log_in(world, world.other, "engine of beacon", 200)


def test_payments_and_grants_belong_to_one_organisation(world: World, accounts: tuple[dict, dict]) -> None:
    here, there = accounts
    product_id = world.one.identifiers["product_id"]
    path = f"/acme/api/v1/customers/products/{product_id}/purchase"
    headers = {"Authorization": f"Bearer {here['access_token']}"}
    bought = world.autonomy.app.post_json(path, {}, headers=headers, status=201).json["payment"]
    settle(world.autonomy, bought["id"])
    assert [item["id"] for item in get(world, world.one, "products", here["access_token"])["items"]] == [
        product_id
    ]
    assert len(get(world, world.one, "payments", here["access_token"])["items"]) == 1
    assert get(world, world.other, "products", there["access_token"])["items"] == []
    assert get(world, world.other, "payments", there["access_token"])["items"] == []
    with world.autonomy.scope("beacon") as scope:
        grants = select(Grant).where(Grant.customer_id == there["customer"]["id"])
        assert scope.session.scalars(grants).all() == []


def settle(autonomy: Autonomy, payment_id: str) -> None:
    with autonomy.scope("acme") as scope:
        payment = scope.session.get_one(Payment, ("acme", payment_id))
    autonomy.settle(payment)


@dataclass
class Confused:
    """An authenticator that identifies every request as staff of one organisation."""

    organisation_id: str

    def identify(self, scope: TenantScope, request: Request) -> Identity:
        return staff_identity(self.organisation_id, uuid4(), tuple(SCOPES))


@pytest.mark.parametrize(("organisation_id", "status"), [("acme", 200), ("beacon", 401)])
def test_a_foreign_identity_of_an_authenticator_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, organisation_id: str, status: int
) -> None:
    policy = world.autonomy.app.app.registry.getUtility(ISecurityPolicy)
    monkeypatch.setattr(policy, "_authenticators", [(None, Confused(organisation_id))])
    world.autonomy.app.get("/acme/api/v1/admin/products", status=status)
