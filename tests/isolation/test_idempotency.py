"""The same key, path and body of another caller are another request, without a replay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from webtest.response import TestResponse

from autonomy_core.idempotency import services
from autonomy_core.idempotency.domain import Claim
from autonomy_core.openapi.calls import Call
from customer_auth.sessions.open_logins import OpenLogins
from tests.isolation import http_attacks
from tests.isolation.requests import Asked, ask
from tests.isolation.sides import KEY, Side, World
from tests.support.logins import cache_logins

ENDS_ITS_LOGIN = {"change_password"}
"""Calls after which the access token that asked is good for a few seconds at most."""

SHOWS_SECRETS_ONCE = {"make_codes"}
"""Calls whose answer the server does not keep, since it contains what the server keeps hashes of only."""


def with_key(asked: Asked) -> Asked:
    return replace(asked, headers={**(asked.headers or {}), "Idempotency-Key": KEY})


def is_replay(answer: TestResponse) -> bool:
    return "Idempotent-Replayed" in answer.headers


def repeatable(world: World) -> list[Call]:
    left_out = http_attacks.NEED_S3
    return [
        call for call in world.calls if call.operation.is_repeatable and call.operation.id not in left_out
    ]


def strangers(call: Call, here: Side, there: Side, holder: str | None) -> Iterator[tuple[str, Asked]]:
    """The owner's request, as other callers could send it."""
    asked = with_key(ask(call, here, here))
    for who in {"visitor", "owner", "staff"} - {holder}:
        yield f"its {who}", asked.by(here.credentials[who])
    yield "the other's API", with_key(ask(call, there, here)).by(there.credentials.get(holder or ""))
    yield "the other's host", asked.at(there.host).by(here.credentials.get(holder or ""))
    # A public call has no caller, so these callers are the same as the original one.
    if holder is not None:
        yield "nobody", asked
        yield f"the other's {holder}", asked.by(there.credentials[holder])


@pytest.fixture
def logins_stay_cached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep logins cached, so that a token stays valid after a call that ends its login."""
    cache_logins(world.autonomy, monkeypatch, OpenLogins(cached_for_s=3600))


@pytest.mark.usefixtures("logins_stay_cached")
def test_no_other_caller_gets_a_stored_answer(world: World) -> None:
    calls = repeatable(world)
    assert len(calls) > 6
    for turn, call in enumerate(calls):
        # The organisation of every second call is told by the host, and not by the path.
        by_host = turn % 2 == 1
        here, there = (world.other, world.one) if by_host else (world.one, world.other)
        holder = http_attacks.working_holder(world, call, here)
        owner = with_key(ask(call, here, here, by_host=by_host)).by(here.credentials.get(holder or ""))
        with world.undone():
            assert owner.send(world.autonomy).status_int < 400
            for who, attempt in strangers(call, here, there, holder):
                with world.undone():
                    assert not is_replay(attempt.send(world.autonomy)), f"{who}: {attempt}"
            # Which shows that there was something to be given.
            again = owner.send(world.autonomy)
            refused = call.operation.id in ENDS_ITS_LOGIN and again.status_int == 401
            if call.operation.id in SHOWS_SECRETS_ONCE:
                assert again.json["code"] == "idempotency_answer_not_kept"
            else:
                assert is_replay(again) or refused, str(owner)


def test_a_purchase_with_a_foreign_key_and_body_is_the_callers_own(world: World) -> None:
    (call,) = [call for call in world.calls if call.operation.id == "purchase"]
    here = world.one
    product = world.autonomy.product(here.id)
    here.identifiers["product_id"] = str(product.id)
    answers = [
        with_key(ask(call, here, here)).by(here.credentials[who]).send(world.autonomy)
        for who in ("visitor", "owner", "visitor")
    ]
    assert [answer.status_int for answer in answers] == [201, 201, 201]
    assert [is_replay(answer) for answer in answers] == [False, False, True]
    ids = [answer.json["payment"]["id"] for answer in answers]
    assert ids[0] == ids[2] != ids[1]


def test_an_api_key_and_a_customer_of_the_same_id_are_two_callers(world: World) -> None:
    same = "0198c0de-0000-7000-8000-000000000001"
    with world.autonomy.scope(world.one.id) as scope:
        for kind in ("customer", "staff", "link"):
            claim = Claim(f"{kind}:{same}", "POST", "works", KEY)
            found = services.reserve(scope, claim, services.KEPT_FOR)
            assert isinstance(found, services.Reservation)
