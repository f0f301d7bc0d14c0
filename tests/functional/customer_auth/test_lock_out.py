"""Limits that no stranger can use to lock the owner of an account out."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from joserfc import jwt
from joserfc.jwk import OctKey

from autonomy_core.security.models import RateCount
from customer_auth.passwords import hashing
from customer_auth.sessions import devices
from tests.functional.customer_auth.mailing import Post
from tests.functional.customer_auth.shop import EMAIL, PASSWORD

OWNER, STRANGER = "192.0.2.1", "198.51.100.7"


def guess(shop, number=1, *, address=STRANGER, token=None, email=EMAIL, status=401):
    shop.address = address
    return login(shop, f"guess number {number}", token=token, email=email, status=status)


def login(shop, password=PASSWORD, *, token=None, email=EMAIL, status=200):
    body = {"email": email, "password": password}
    return shop.post("login", body if token is None else {**body, "device_token": token}, status)


def come_back(shop, token=None, status=200):
    """The owner logs in."""
    shop.address = OWNER
    return login(shop, token=token, status=status)


def many_addresses(count):
    return (f"2001:db8:{number:x}::1" for number in range(count))


def test_wrong_tries_of_a_stranger_without_end_do_not_lock_out(make_shop):
    shop = make_shop(failed_logins_per_email_and_address=2, failed_logins_per_email=5)
    shop.register()
    answers = [guess(shop, number, status="*").status_int for number in range(100)]
    assert (answers[:2], set(answers[2:])) == ([401] * 2, {429})
    come_back(shop)


def test_tries_from_everywhere_pass_a_mail(make_shop):
    shop = make_shop(failed_logins_per_email=20)
    shop.register()
    for number, address in enumerate(many_addresses(40)):
        guess(shop, number, address=address, status="*")
    come_back(shop, status=429)
    post = Post(shop)
    post.arrived()
    flow = shop.post("sign-in", {"email": EMAIL}, 202).json["flow"]
    shop.post("sign-in/confirm", {"flow": flow, "code": post.one().code}, 200)


def test_tries_from_everywhere_pass_a_known_device(make_shop):
    shop = make_shop(failed_logins_per_email=20)
    token = shop.register().json["device_token"]
    for number, address in enumerate(many_addresses(40)):
        guess(shop, number, address=address, status="*")
    come_back(shop, status=429)
    come_back(shop, token)


def test_a_stranger_in_the_owners_network_passes_by_a_known_device(make_shop):
    shop = make_shop(failed_logins_per_address=3)
    token = shop.register().json["device_token"]
    for number in range(4):
        guess(shop, number, address=OWNER, status="*")
    come_back(shop, status=429)
    come_back(shop, token)


def test_the_owner_of_a_session_can_change_the_password_meanwhile(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    tokens = shop.register().json
    guess(shop)
    shop.change_password(tokens["access_token"], PASSWORD, "another long engine")


def test_wrong_passwords_at_a_change_are_limited(make_shop):
    shop = make_shop(failed_logins_per_email_and_address=2)
    token = shop.register().json["access_token"]
    for _ in range(2):
        shop.change_password(token, "a wrong engine", "another long engine", 422)
    shop.change_password(token, "a wrong engine", "another long engine", 429)


def test_a_known_device_has_a_limit_of_its_own(make_shop):
    shop = make_shop(failed_logins_per_email_and_address=2)
    token = shop.register().json["device_token"]
    for number in range(2):
        guess(shop, number, token=token)
    guess(shop, token=token, status=429)
    come_back(shop)


def test_guesses_of_a_known_device_do_not_count_for_others(make_shop):
    shop = make_shop(failed_logins_per_email=1, failed_logins_per_address=1)
    token = shop.register().json["device_token"]
    for number in range(3):
        guess(shop, number, address=OWNER, token=token)
    come_back(shop)


def test_the_device_of_another_account_is_unknown(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    shop.register()
    token = shop.register("eve@example.org").json["device_token"]
    guess(shop, token=token)
    guess(shop, token=token, status=429)


def test_a_device_of_another_organisation_is_unknown(make_shop):
    shop, other = make_shop(failed_logins_per_email=1), make_shop("beacon")
    shop.register()
    token = other.register().json["device_token"]
    guess(shop, token=token)
    guess(shop, token=token, status=429)


def test_a_device_is_unknown_after_a_change_of_the_password(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    tokens = shop.register().json
    newer = shop.change_password(tokens["access_token"], PASSWORD, "another long engine").json
    guess(shop, token=tokens["device_token"])
    guess(shop, token=tokens["device_token"], status=429)
    login(shop, "another long engine", token=newer["device_token"])


def test_a_renewed_hash_keeps_the_device_known(make_shop, monkeypatch):
    shop = make_shop(failed_logins_per_email=1)
    token = shop.register().json["device_token"]
    monkeypatch.setattr(hashing, "PARAMETERS", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    come_back(shop)
    guess(shop)
    come_back(shop, token)


def test_an_expired_device_token_is_unknown(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    customer_id = UUID(shop.register().json["customer"]["id"])
    with shop.autonomy.scope(shop.id) as scope:
        token = devices.device_token(scope, customer_id, timedelta(seconds=-1))
    guess(shop)
    come_back(shop, token, status=429)


def test_a_device_token_with_another_signature_is_unknown(make_shop):
    shop = make_shop(failed_logins_per_email=1)
    token = shop.register().json["device_token"]
    _, claims, _ = token.split(".")
    forged = jwt.encode({"alg": "HS256"}, decoded(claims), OctKey.generate_key(256), ["HS256"])
    guess(shop)
    for each in (forged, f"{token}x", "", ".", "x.y.z"):
        come_back(shop, each, status=429)


def decoded(part):
    return json.loads(urlsafe_b64decode(part + "=="))


@pytest.mark.parametrize("use", ["access_token", "refresh_token"])
def test_no_other_token_is_a_device_token(make_shop, use):
    shop = make_shop(failed_logins_per_email=1)
    tokens = shop.register().json
    guess(shop)
    come_back(shop, tokens[use], status=429)


def test_a_device_token_authenticates_no_call(shop):
    tokens = shop.register().json
    shop.me(tokens["device_token"], 401)
    shop.refresh(tokens["device_token"], 401)


def test_a_refresh_gives_no_device_token(shop):
    tokens = shop.register().json
    assert tokens["device_token"]
    assert shop.refresh(tokens["refresh_token"]).json["device_token"] is None


def test_an_unknown_account_is_limited_like_a_known_one(make_shop):
    shop = make_shop(failed_logins_per_email_and_address=2, failed_logins_per_email=3)
    shop.register()
    for email in (EMAIL, "eve@example.org"):
        found = [guess(shop, number, email=email, status="*").status_int for number in range(3)]
        found += [
            guess(shop, address=address, email=email, status="*").status_int for address in many_addresses(2)
        ]
        assert found == [401, 401, 429, 401, 429]


def test_stored_buckets_reveal_no_address(shop):
    shop.register()
    guess(shop)
    with shop.autonomy.scope() as scope:
        names = [row.bucket for row in scope.session.query(RateCount)]
    assert not [name for name in names if EMAIL in name or STRANGER in name]
