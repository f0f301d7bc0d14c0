from sqlalchemy import select

from customer_auth.models import LoginSession


def test_a_refresh_after_the_logout_is_refused(shop):
    token = shop.register().json["refresh_token"]
    assert shop.logout(token).body == b""
    shop.refresh(token, 401)


def test_a_logout_ends_one_login_and_not_the_others(shop):
    here = shop.register().json["refresh_token"]
    there = shop.login().json["refresh_token"]
    shop.logout(here)
    shop.refresh(there)


def test_an_older_token_of_the_login_logs_out_as_well(shop):
    first = shop.register().json["refresh_token"]
    second = shop.refresh(first).json["refresh_token"]
    shop.logout(first)
    shop.refresh(second, 401)


def test_a_second_logout_changes_nothing(shop):
    token = shop.register().json["refresh_token"]
    ended = []
    for _ in range(2):
        shop.logout(token)
        with shop.autonomy.scope() as scope:
            ended.append(scope.session.scalars(select(LoginSession.revoked_at)).one())
    assert ended[0] is not None
    assert ended[0] == ended[1]


def test_a_logout_with_an_unknown_token_has_the_same_answer(shop):
    shop.logout("unknown")


def test_a_logout_ends_the_access_token_after_the_cache_expires(shop, asked_each_time):
    tokens = shop.register().json
    shop.me(tokens["access_token"])
    shop.logout(tokens["refresh_token"])
    shop.me(tokens["access_token"], 401)


def test_a_logout_leaves_the_access_tokens_of_other_logins(shop, asked_each_time):
    here, there = shop.register().json, shop.login().json
    shop.logout(here["refresh_token"])
    shop.me(there["access_token"])
