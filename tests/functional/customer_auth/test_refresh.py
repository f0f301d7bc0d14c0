from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from customer_auth.domain import REUSE_GRACE
from customer_auth.models import LoginSession, RefreshToken


def make_older(shop, by=REUSE_GRACE):
    """Move the times of all tokens into the past."""
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(RefreshToken).values(used_at=RefreshToken.used_at - by))


def test_a_refresh_token_is_exchanged_for_new_tokens(shop):
    first = shop.register().json
    second = shop.refresh(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert shop.me(second["access_token"]).json == first["customer"]
    shop.refresh(second["refresh_token"])


def test_a_token_used_twice_within_seconds_is_a_conflict(shop):
    first = shop.register().json
    second = shop.refresh(first["refresh_token"]).json
    assert shop.refresh(first["refresh_token"], 409).json["code"] == "refresh_in_progress"
    shop.refresh(second["refresh_token"])


def test_a_token_used_again_later_ends_the_login(shop):
    first = shop.register().json
    second = shop.refresh(first["refresh_token"]).json
    make_older(shop)
    refused = shop.refresh(first["refresh_token"], 401)
    assert refused.json["code"] == "invalid_refresh_token"
    shop.refresh(second["refresh_token"], 401)


def test_a_token_used_again_later_ends_the_access_tokens_too(shop, asked_each_time):
    first = shop.register().json
    second = shop.refresh(first["refresh_token"]).json
    shop.me(second["access_token"])
    make_older(shop)
    shop.refresh(first["refresh_token"], 401)
    for tokens in (first, second):
        shop.me(tokens["access_token"], 401)


def test_ending_the_login_is_committed_although_the_answer_is_401(committed_shop):
    shop = committed_shop
    token = shop.register().json["refresh_token"]
    shop.refresh(token)
    make_older(shop)
    shop.refresh(token, 401)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalars(select(LoginSession)).one().revoked_at is not None


def test_reusing_the_oldest_token_of_a_login_ends_it(shop):
    oldest = newest = shop.register().json["refresh_token"]
    for _ in range(3):
        newest = shop.refresh(newest).json["refresh_token"]
    make_older(shop)
    shop.refresh(oldest, 401)
    shop.refresh(newest, 401)


def test_a_reused_token_leaves_the_customers_other_logins_alone(shop):
    stolen = shop.register().json["refresh_token"]
    elsewhere = shop.login().json["refresh_token"]
    shop.refresh(stolen)
    make_older(shop)
    shop.refresh(stolen, 401)
    shop.refresh(elsewhere)


@pytest.mark.parametrize("token", ["", "unknown", "ünbekannt", "x" * 1024, "\U0001f5dd"])
def test_an_unknown_token_is_refused(shop, token):
    assert shop.refresh(token, 401).json["code"] == "invalid_refresh_token"


@pytest.mark.parametrize("token", [None, 5, [], "x" * 1025, "\ud800", "a\x00b"])
def test_a_malformed_token_is_refused(shop, token):
    assert shop.refresh(token, 422).json["code"] == "invalid_input"


def test_a_login_expires_without_a_refresh(shop):
    token = shop.register().json["refresh_token"]
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(LoginSession).values(expires_at=LoginSession.created_at))
    shop.refresh(token, 401)


def test_a_refresh_extends_the_login(shop):
    token = shop.register().json["refresh_token"]
    with shop.autonomy.scope() as scope:
        shortened = LoginSession.expires_at - timedelta(days=29)
        before = scope.session.scalar(update(LoginSession).values(expires_at=shortened).returning(shortened))
    shop.refresh(token)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(LoginSession.expires_at)) > before


def test_access_and_refresh_tokens_are_not_interchangeable(shop):
    tokens = shop.register().json
    shop.refresh(tokens["access_token"], 401)
    shop.me(tokens["refresh_token"], 401)


def test_refresh_tokens_are_stored_hashed(shop):
    token = shop.register().json["refresh_token"]
    with shop.autonomy.scope() as scope:
        assert token not in scope.session.scalars(select(RefreshToken.token_hash)).all()


def test_expired_logins_are_removed_by_the_next_login(shop):
    shop.register()
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(LoginSession).values(expires_at=LoginSession.created_at))
    shop.login()
    with shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(LoginSession)) == 1
        assert scope.session.scalar(select(func.count()).select_from(RefreshToken)) == 1


def test_tokens_used_long_ago_are_removed_by_the_next_refresh(shop):
    token = shop.refresh(shop.register().json["refresh_token"]).json["refresh_token"]
    make_older(shop, timedelta(days=31))
    shop.refresh(token)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(RefreshToken)) == 2
