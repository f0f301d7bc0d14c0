"""What went wrong in other projects with accounts and mail. Each test is named after the lesson.

Those about purchases are in `test_lessons_of_purchases`.
"""

from __future__ import annotations

import pytest

from customer_auth.challenges.domain import Purpose
from tests.functional.customer_auth.mailing import ADA, EVE, bearer, customer, row_of
from tests.functional.customer_auth.second_factors import protect
from tests.support.authenticator import Authenticator


def test_a_buyer_who_forgot_the_password_or_never_had_one_gets_in(shop, post):
    """Pretix 96, 722, 1169: buyers forget passwords."""
    customer(shop, guest=True)
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("password/reset", {"token": post.one().token, "password": "a longer engine"}, 204)
    shop.login(password="a longer engine")


def test_a_link_is_not_used_up_by_a_request_that_fails(shop, post):
    """Mirlo 557: the link's token was used up before the file was ready."""
    customer(shop)
    shop.post("password/forgotten", {"email": ADA}, 202)
    token = post.one().token
    for password in ("short", "qwertyuiop", ADA):
        shop.post("password/reset", {"token": token, "password": password}, 422)
    shop.post("password/reset", {"token": token, "password": "a longer engine"}, 204)


def test_a_lost_link_is_sent_again_without_an_account(shop, post):
    """Mirlo 753, gumroad 3296: the guest's link was lost."""
    customer(shop, guest=True)
    for _ in range(2):
        shop.post("library-link", {"email": ADA}, 202)
        shop.post("library", {"token": post.one().token}, 200)


def test_an_address_that_is_taken_can_be_reset(shop, post):
    """Gumroad 3234: the account exists at registration, and there is no such user at the reset."""
    customer(shop, guest=True)
    customer(shop)
    assert shop.register(status=409).json["code"] == "email_taken"
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("password/reset", {"token": post.one().token, "password": "a longer engine"}, 204)
    shop.login(password="a longer engine")


def test_scanners_of_mail_that_follow_links_use_none(shop, post):
    """Emdash 3298, supabase/auth 1214, Ghost 12347, 13926; every kind of link is in test_link_page."""
    customer(shop)
    shop.post("password/forgotten", {"email": ADA}, 202)
    letter = post.one()
    for _ in range(3):
        shop.autonomy.app.get(letter.page)
    shop.post("password/reset", {"token": letter.token, "password": "a longer engine"}, 204)


def test_a_mail_that_is_opened_on_another_device_has_a_code(shop, post):
    """Polar 6053, Ghost 25187: link and typed code in one mail."""
    customer(shop)
    flow = shop.post("sign-in", {"email": ADA}, 202).json["flow"]
    letter = post.one()
    shop.post("sign-in/confirm", {"flow": "the phone has none", "token": letter.token}, 422)
    shop.post("sign-in/confirm", {"flow": flow, "code": letter.code}, 200)


def test_an_address_is_not_told_by_a_mail_that_is_not_sent(shop, post):
    """Kratos 4521, allauth 3959; content, statements and time are in test_enumeration."""
    customer(shop)
    queued = []
    for email in (ADA, EVE):
        shop.post("password/forgotten", {"email": email}, 202)
        queued.append(len(shop.autonomy.jobs()))
    assert queued == [queued[0], 2 * queued[0]]
    assert [letter.to for letter in post.arrived()] == [ADA]


@pytest.mark.parametrize("purpose", [Purpose.RESET, Purpose.LIBRARY])
def test_a_token_of_one_tenant_is_refused_by_another(shop, other_shop, post, purpose):
    """supertokens-core 823."""
    customer(shop)
    customer(other_shop)
    ask, use = {
        Purpose.RESET: ("password/forgotten", "password/reset"),
        Purpose.LIBRARY: ("library-link", "library"),
    }[purpose]
    shop.post(ask, {"email": ADA}, 202)
    body = {"token": post.one().token}
    body |= {"password": "a longer engine"} if purpose is Purpose.RESET else {}
    other_shop.post(use, body, 422)
    assert shop.post(use, body).status_int in {200, 204}


def test_verification_at_one_tenant_says_nothing_at_another(shop, other_shop, post):
    """supertokens-core 943: the verification was read from the wrong tenant."""
    customer(other_shop)
    as_ada = bearer(shop, customer(shop).id)
    shop.post("email/verification", {}, 202, as_ada)
    shop.post("email/verify", {"token": post.one().token}, 200, as_ada)
    assert row_of(shop, ADA).email_verified_at is not None
    assert row_of(other_shop, ADA).email_verified_at is None


def test_links_die_when_the_address_changes(shop, post):
    """itch.io 676: a link to the former address still reset the password."""
    as_ada = bearer(shop, customer(shop).id)
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("library-link", {"email": ADA}, 202)
    old = {letter.purpose: letter.token for letter in post.arrived()}
    shop.post("email", {"email": "ada@new.example"}, 202, as_ada)
    shop.post("email/confirm", {"token": post.one().token}, 200, as_ada)
    shop.post("password/reset", {"token": old["reset"], "password": "a longer engine"}, 422)
    shop.post("library", {"token": old["library"]}, 422)


def test_what_was_bought_is_sent_again_without_an_account(shop, post):
    """Gumroad PR 7636: send my downloads again."""
    customer(shop, guest=True)
    assert shop.post("library-link", {"email": ADA}, 202).body == b""
    assert post.one().purpose == "library"


def test_a_new_device_with_a_second_factor_is_told_and_not_held_up(shop):
    """Pypi/support 8226, 8433, 10853: the confirmation of new devices on top of TOTP locked owners out."""
    app = protect(shop, shop.register().json["access_token"])
    shop.autonomy.run_jobs(shop.id)
    before = len(shop.autonomy.mailbox())
    shop.address = "198.51.100.7"
    flow = shop.login(status=403).json["flow"]
    firefox = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    tokens = shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 200, firefox).json
    assert shop.me(tokens["access_token"]).json["email"] == ADA
    shop.autonomy.run_jobs(shop.id)
    (notice,) = shop.autonomy.mailbox()[before:]
    assert "new login" in notice["Subject"]


def test_a_passkey_is_stored_with_its_host_and_works_on_related_ones(autonomy, make_shop):
    """Onetimesecret 4137, authentik 25541: passkeys belong to a host."""
    shop = make_shop()
    hosts = ("shop.example", "music.example")
    autonomy.organisation("acme", plugins=("customer_auth",), hosts=hosts)
    phone = Authenticator("https://shop.example")
    headers = {"Authorization": f"Bearer {shop.register().json['access_token']}", "Origin": phone.origin}
    offered = shop.post("passkeys/options", {}, 200, headers).json
    made = {"flow": offered["flow"], "name": "Phone", "credential": phone.create(offered["options"])}
    kept = shop.post("passkeys", made, 201, headers).json
    assert kept["rp_id"] == "shop.example"
    related = autonomy.app.get("/.well-known/webauthn", headers={"Host": "shop.example"}).json
    assert related == {"origins": [f"https://{host}" for host in hosts]}
    # The browser has read the list, so it lets the page of the other host use the passkey.
    asked = shop.post("login/passkey-options", {}, 200, headers={"Origin": related["origins"][1]}).json
    phone.origin = related["origins"][1]
    credential = phone.get({**asked["options"], "rpId": kept["rp_id"]})
    shop.post("login/passkey", {"flow": asked["flow"], "credential": credential}, 200)
