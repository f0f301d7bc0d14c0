from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from autonomy_core.security.models import RateCount
from customer_auth.passwords.hashing import Passwords


def let_pass(shop, by):
    """Move all stored times into the past."""
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(RateCount).values(drained_at=RateCount.drained_at - by))


def fail(shop, email="ada@example.org", status=401):
    return shop.login(email, "another engine", status)


def test_too_many_failures_lock_the_account_for_a_while(make_shop):
    shop = make_shop(failed_logins_per_email=3)
    shop.register()
    for _ in range(3):
        fail(shop)
    refused = fail(shop, status=429)
    assert refused.json["code"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60 / 3
    assert refused.json["retry_after"] == int(refused.headers["Retry-After"])


def test_the_right_password_is_refused_while_locked(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    shop.register()
    fail(shop)
    shop.login(status=429)


def test_an_unknown_account_has_the_same_limit(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    fail(shop, "eve@example.org")
    fail(shop, "EVE@example.org", status=429)


def test_the_limit_of_an_account_holds_for_all_addresses(make_shop):
    shop = make_shop(failed_logins_per_email=2)
    for shop.address in ("192.0.2.1", "198.51.100.7"):
        fail(shop)
    shop.address = "203.0.113.9"
    fail(shop, status=429)


def test_attempts_are_regained_one_by_one(make_shop):
    shop = make_shop(failed_logins_per_email=3)
    for _ in range(3):
        fail(shop)
    let_pass(shop, timedelta(minutes=5))
    fail(shop)
    fail(shop, status=429)


def test_refused_attempts_do_not_extend_the_wait(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    fail(shop)
    for _ in range(5):
        fail(shop, status=429)
    let_pass(shop, timedelta(minutes=15))
    fail(shop)


def test_logins_that_succeed_are_not_counted(make_shop):
    shop = make_shop(failed_logins_per_email=1, failed_logins_per_address=1)
    shop.register()
    for _ in range(4):
        shop.login()


def test_a_success_releases_its_own_attempt_only(make_shop):
    shop = make_shop(failed_logins_per_address=2)
    shop.register()
    fail(shop, "b@example.org")
    shop.login()
    fail(shop, "c@example.org")
    shop.login(status=429)


def test_the_limit_of_an_address_holds_for_all_accounts(make_shop):
    shop = make_shop(failed_logins_per_address=2)
    fail(shop, "b@example.org")
    fail(shop, "c@example.org")
    fail(shop, "d@example.org", status=429)
    shop.address = "198.51.100.7"
    fail(shop, "d@example.org")


def test_the_addresses_of_one_ipv6_network_count_as_one(make_shop):
    shop = make_shop(failed_logins_per_address=1)
    shop.address = "2001:db8:1:2::1"
    fail(shop, "b@example.org")
    shop.address = "2001:db8:1:2:ffff::9"
    fail(shop, "c@example.org", status=429)
    shop.address = "2001:db8:1:3::1"
    fail(shop, "c@example.org")


def test_a_forwarded_header_of_a_client_is_ignored(make_shop):
    shop = make_shop(failed_logins_per_address=1)
    shop.autonomy.app.extra_environ["HTTP_X_FORWARDED_FOR"] = "198.51.100.7"
    fail(shop, "b@example.org")
    shop.autonomy.app.extra_environ["HTTP_X_FORWARDED_FOR"] = "203.0.113.9"
    fail(shop, "c@example.org", status=429)
    del shop.autonomy.app.extra_environ["HTTP_X_FORWARDED_FOR"]


def test_registrations_are_limited_by_the_clients_address(make_shop):
    shop = make_shop(registrations_per_address=2)
    shop.register("b@example.org")
    shop.register("c@example.org")
    assert int(shop.register("d@example.org", status=429).headers["Retry-After"]) > 0
    shop.address = "198.51.100.7"
    shop.register("d@example.org")


def test_probing_for_taken_addresses_is_limited(committed_shop):
    shop = committed_shop
    shop.autonomy.organisation(
        plugins=("customer_auth",), settings={"customer_auth": {"registrations_per_address": "3"}}
    )
    shop.register(password="qwertyuiop", status=422)
    shop.register()
    shop.register(status=409)
    shop.register(status=409)
    shop.register(status=429)


def test_invalid_input_is_not_counted(make_shop):
    shop = make_shop(registrations_per_address=1)
    shop.register("nobody", status=422)
    shop.register(password="short", status=422)
    shop.register(password="qwertyuiop", status=422)
    shop.register()


def test_a_failure_is_committed_although_the_answer_is_401(committed_shop):
    fail(committed_shop)
    with committed_shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(RateCount)) == 3


def test_an_attempt_that_could_not_be_made_does_not_count(make_shop, monkeypatch):
    shop = make_shop(failed_logins_per_email=1)
    shop.register()
    with monkeypatch.context() as busy:
        full = Passwords(concurrent=1, longest_wait_s=0)
        busy.setattr("customer_auth.services.passwords_of", lambda scope: full)
        with full._turn():
            assert shop.login(status=503).json["retry_after"] > 0
    shop.login()


def test_the_limits_of_organisations_are_separate(make_shop):
    shops = [
        make_shop(name, failed_logins_per_email=1, failed_logins_per_address=1) for name in ("acme", "beacon")
    ]
    for shop in shops:
        fail(shop)
        fail(shop, status=429)


def test_no_address_is_stored_in_clear(shop):
    fail(shop)
    with shop.autonomy.scope() as scope:
        stored = " ".join(scope.session.scalars(select(RateCount.bucket)))
    assert "ada@example.org" not in stored
    assert "192.0.2.1" not in stored


def test_expired_buckets_are_removed_by_later_attempts(shop):
    for number in range(5):
        fail(shop, f"stranger{number}@example.org")
    let_pass(shop, timedelta(hours=1))
    fail(shop)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(RateCount)) == 3


@pytest.mark.parametrize("key", ["failed_logins_per_email", "access_token_minutes", "refresh_token_days"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1000000"])
def test_a_setting_out_of_range_is_reported(make_shop, key, value):
    with pytest.raises(AssertionError, match=key):
        make_shop(**{key: value})
