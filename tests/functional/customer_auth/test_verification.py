from datetime import timedelta

import pytest

from tests.functional.customer_auth.mailing import ADA, EVE, bearer, customer, let_pass, old_bearer


@pytest.fixture
def ada(shop):
    return customer(shop)


@pytest.fixture
def as_ada(shop, ada):
    return bearer(shop, ada.id)


def verified(shop, headers):
    return shop.get("me", headers).json["email_verified"]


def test_a_registration_is_followed_by_a_mail_for_verification(shop, post):
    token = shop.register().json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    letter = post.one()
    assert (letter.to, letter.purpose) == (ADA, "verify")
    assert not verified(shop, headers)
    answer = shop.post("email/verify", {"code": letter.code}, 200, headers)
    assert answer.json["email_verified"]
    assert verified(shop, headers)


def test_the_link_verifies_too_where_the_customer_is_logged_in(shop, post, as_ada):
    shop.post("email/verification", {}, 202, as_ada)
    shop.post("email/verify", {"token": post.one().token}, 200, as_ada)
    assert verified(shop, as_ada)


def test_verification_keeps_password_and_logins(shop, post):
    tokens = shop.register().json
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    shop.post("email/verify", {"code": post.one().code}, 200, headers)
    shop.login()
    shop.refresh(tokens["refresh_token"])


def test_the_link_verifies_nothing_without_a_login(shop, post, as_ada):
    shop.post("email/verification", {}, 202, as_ada)
    token = post.one().token
    shop.post("email/verify", {"token": token}, 401)
    shop.post("email/verify", {"token": token}, 200, as_ada)


def test_the_link_and_the_code_are_useless_to_another_customer(shop, post, as_ada):
    as_eve = bearer(shop, customer(shop, EVE).id)
    shop.post("email/verification", {}, 202, as_ada)
    letter = post.one()
    assert shop.post("email/verify", {"token": letter.token}, 422, as_eve).json["code"] == "invalid_link"
    assert shop.post("email/verify", {"code": letter.code}, 422, as_eve).json["code"] == "invalid_code"
    shop.post("email/verify", {"token": letter.token}, 200, as_ada)


def test_the_link_of_another_organisation_verifies_nothing(shop, other_shop, post, as_ada):
    shop.post("email/verification", {}, 202, as_ada)
    there = bearer(other_shop, customer(other_shop).id)
    letter = post.one()
    other_shop.post("email/verify", {"token": letter.token}, 422, there)
    other_shop.post("email/verify", {"code": letter.code}, 422, there)


def test_wrong_codes_are_counted_although_the_answer_is_an_error(shop, post, as_ada):
    shop.post("email/verification", {}, 202, as_ada)
    letter = post.one()
    for _ in range(5):
        shop.post("email/verify", {"code": "BBBB-BBBB"}, 422, as_ada)
    shop.post("email/verify", {"code": letter.code}, 422, as_ada)


@pytest.mark.parametrize("body", [{}, {"token": "a", "code": "b"}, {"token": None}, {"code": 12345678}])
def test_a_request_has_either_the_link_or_the_code(shop, as_ada, body):
    assert shop.post("email/verify", body, 422, as_ada).json["code"] == "invalid_input"


def test_the_link_ends_after_a_day(shop, post, as_ada):
    shop.post("email/verification", {}, 202, as_ada)
    letter = post.one()
    let_pass(shop, timedelta(hours=24))
    shop.post("email/verify", {"token": letter.token}, 422, as_ada)
    shop.post("email/verify", {"code": letter.code}, 422, as_ada)


def test_a_verified_address_gets_no_further_mail(shop, post, as_ada):
    shop.post("email/verification", {}, 202, as_ada)
    shop.post("email/verify", {"token": post.one().token}, 200, as_ada)
    shop.post("email/verification", {}, 202, as_ada)
    assert post.arrived() == []


def test_mails_that_a_customer_requests_are_limited(make_shop):
    shop = make_shop(mails_per_email=2)
    as_ada = bearer(shop, customer(shop).id)
    shop.post("email/verification", {}, 202, as_ada)
    refused = shop.post("email/verification", {}, 429, as_ada)
    assert int(refused.headers["Retry-After"]) > 0


def test_a_first_password_is_set_within_a_recent_login(shop, post, as_ada, asked_each_time):
    body = {"new_password": "a longer engine"}
    tokens = shop.post("password", body, 200, as_ada).json
    shop.get("me", as_ada, 401)
    shop.get("me", {"Authorization": f"Bearer {tokens['access_token']}"})
    shop.login(password="a longer engine")
    assert "password" in str(post.one().message["Subject"])


def test_a_first_password_needs_a_recent_login(shop, ada):
    answer = shop.post("password", {"new_password": "a longer engine"}, 403, old_bearer(shop, ada.id))
    assert answer.json["code"] == "reauthentication_required"


def test_who_has_a_password_must_send_it_to_change_it(shop):
    token = shop.register().json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = shop.post("password", {"new_password": "a longer engine"}, 422, headers)
    assert answer.json["code"] == "wrong_password"


def test_a_changed_password_is_announced_and_ends_links_on_their_way(shop, post):
    token = shop.register().json["access_token"]
    shop.post("password/forgotten", {"email": ADA}, 202)
    letters = {letter.purpose: letter for letter in post.arrived()}
    shop.change_password(token, "a long engine", "a longer engine")
    assert post.one().to == ADA
    shop.post("password/reset", {"token": letters["reset"].token, "password": "a hostile engine"}, 422)
    shop.login(password="a longer engine")
