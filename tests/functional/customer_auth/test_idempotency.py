"""Account calls that a client repeats because it got no answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from autonomy_core.plugin_api.customers import Customer
from customer_auth.domain import REUSE_GRACE
from customer_auth.models import LoginSession, RefreshToken
from tests.functional.customer_auth.shop import EMAIL, PASSWORD

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
REGISTRATION = {"email": EMAIL, "password": PASSWORD, "name": "Ada"}
LOGIN = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture
def post(make_shop):
    """A post with the key, in a shop where a login may fail once."""
    shop = make_shop(failed_logins_per_email=1)

    def post(call, body, status, **options):
        return shop.post(call, body, status, headers={"Idempotency-Key": KEY}, **options)

    post.shop = shop
    return post


def count(shop, entity):
    with shop.autonomy.scope(shop.id) as scope:
        return scope.session.scalar(select(func.count()).select_from(entity))


def test_a_repeated_registration_returns_the_same_tokens(post):
    first, second = (post("register", REGISTRATION, 201) for _ in range(2))
    assert first.json == second.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(post.shop, Customer) == count(post.shop, LoginSession) == 1
    post.shop.me(second.json["access_token"])


def test_a_repeated_refresh_returns_the_same_tokens(post):
    old = post.shop.register().json["refresh_token"]
    first = post("refresh", {"refresh_token": old}, 200).json
    make_older(post.shop)
    assert post("refresh", {"refresh_token": old}, 200).json == first
    assert count(post.shop, RefreshToken) == 2
    post.shop.refresh(first["refresh_token"])


def test_a_repeated_refresh_without_a_key_ends_the_login(post):
    old = post.shop.register().json["refresh_token"]
    new = post("refresh", {"refresh_token": old}, 200).json["refresh_token"]
    make_older(post.shop)
    post.shop.refresh(old, 401)
    post.shop.refresh(new, 401)


def make_older(shop):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(RefreshToken).values(used_at=RefreshToken.used_at - REUSE_GRACE))


def test_a_refused_refresh_stays_refused_and_ends_the_login(post):
    old = post.shop.register().json["refresh_token"]
    post.shop.refresh(old)
    make_older(post.shop)
    for _ in range(2):
        post("refresh", {"refresh_token": old}, 401)
    with post.shop.autonomy.scope(post.shop.id) as scope:
        assert scope.session.scalars(select(LoginSession)).one().revoked_at is not None


def test_a_failed_login_is_counted_with_a_key_as_without(post):
    post.shop.register()
    wrong = {**LOGIN, "password": "another engine"}
    post("login", wrong, 401)
    post("login", wrong, 429)
    post("login", LOGIN, 429)


def test_a_known_idempotency_key_allows_one_guess_only(post):
    """Otherwise a wrong password could be recognised without being counted."""
    post.shop.register()
    tokens = post("login", LOGIN, 200).json
    refused = post("login", {**LOGIN, "password": "a guess"}, 422)
    assert refused.json["code"] == "idempotency_key_reused"
    assert post("login", LOGIN, 422).json == refused.json
    post.shop.refresh(tokens["refresh_token"])


def test_a_logout_can_be_repeated_with_its_key(post):
    token = {"refresh_token": post.shop.register().json["refresh_token"]}
    first, second = (post("logout", token, 204) for _ in range(2))
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


def test_authenticated_and_anonymous_callers_share_no_key(post):
    known = {"Authorization": f"Bearer {post.shop.register().json['access_token']}", "Idempotency-Key": KEY}
    tokens = [post("login", LOGIN, 200).json, post.shop.post("login", LOGIN, 200, headers=known).json]
    assert tokens[0]["refresh_token"] != tokens[1]["refresh_token"]


def test_the_table_has_no_readable_token_password_or_address(post):
    answer = post("register", REGISTRATION, 201).json
    with post.shop.autonomy.scope(post.shop.id) as scope:
        (row,) = scope.session.scalars(
            text("SELECT t::text || encode(answer, 'escape') FROM idempotency_keys t")
        )
    secrets = (answer["refresh_token"], answer["access_token"], PASSWORD, EMAIL, KEY)
    assert [secret for secret in secrets if secret in row] == []


def test_the_tokens_are_not_repeated_after_a_day(post):
    first = post("register", REGISTRATION, 201)
    with post.shop.autonomy.scope(post.shop.id) as scope:
        earlier = text("UPDATE idempotency_keys SET valid_until = valid_until - CAST(:by AS interval)")
        scope.session.execute(earlier, {"by": timedelta(days=1)})
    assert post("register", REGISTRATION, 409).json["code"] == "email_taken"
    assert first.json["refresh_token"]
