"""Passkeys, with an authenticator in software."""

import pytest
from sqlalchemy import select

from customer_auth.passkeys.models import Passkey
from tests.functional.customer_auth.passkeys import ORIGIN, ask, create, keep, listed, log_in, offer, sign
from tests.functional.customer_auth.second_factors import call, protect
from tests.functional.customer_auth.shop import Shop
from tests.support.authenticator import Authenticator, from_base64, in_base64


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=("customer_auth",), hosts=("shop.example", "music.example"))
    return Shop(autonomy, "acme")


@pytest.fixture
def phone():
    return Authenticator(ORIGIN)


@pytest.fixture
def account(shop, phone):
    """The access token of an account that has a passkey."""
    token = shop.register().json["access_token"]
    create(shop, token, phone)
    return token


def test_a_customer_logs_in_with_a_passkey_alone(shop, phone, account):
    tokens = log_in(shop, phone).json
    assert shop.me(tokens["access_token"]).json["email"] == "ada@example.org"
    shop.refresh(tokens["refresh_token"])


def test_the_options_ask_for_a_discoverable_passkey_of_the_page(shop):
    token = shop.register().json["access_token"]
    options = offer(shop, token)["options"]
    assert options["rp"] == {"id": "shop.example", "name": shop.autonomy.get_organisation("acme").name}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert len(from_base64(options["challenge"])) == 32
    asked = ask(shop)["options"]
    assert asked["rpId"] == "shop.example"
    assert asked["allowCredentials"] == []


def test_an_account_has_several_passkeys_with_names(shop, phone, account):
    create(shop, account, Authenticator(ORIGIN))
    newest, oldest = listed(shop, account)
    renamed = call(shop, "patch", f"passkeys/{oldest['id']}", account, {"name": "Old phone"}, 200).json
    assert (renamed["name"], renamed["rp_id"]) == ("Old phone", "shop.example")
    call(shop, "delete", f"passkeys/{newest['id']}", account, status=204)
    assert [each["name"] for each in listed(shop, account)] == ["Old phone"]


def test_a_removed_passkey_does_not_log_in(shop, phone, account):
    (passkey,) = listed(shop, account)
    call(shop, "delete", f"passkeys/{passkey['id']}", account, status=204)
    assert log_in(shop, phone, 422).json["code"] == "passkey_refused"


def test_passkeys_of_another_customer_are_not_found(shop, account):
    (passkey,) = listed(shop, account)
    other = shop.register("eve@example.org").json["access_token"]
    assert listed(shop, other) == []
    call(shop, "patch", f"passkeys/{passkey['id']}", other, {"name": "Mine"}, 404)
    call(shop, "delete", f"passkeys/{passkey['id']}", other, status=404)


def test_the_options_exclude_the_accounts_passkeys(shop, phone, account):
    excluded = offer(shop, account)["options"]["excludeCredentials"]
    assert [each["id"] for each in excluded] == [in_base64(phone.passkeys[0].id)]


def test_a_passkey_is_kept_once(shop, phone, account):
    other = shop.register("eve@example.org").json["access_token"]
    offered = offer(shop, other)
    again = phone.create(offered["options"], credential_id=phone.passkeys[0].id)
    assert keep(shop, other, offered["flow"], again, 409).json["code"] == "passkey_exists"


@pytest.mark.parametrize("which", ["login", "creation"])
def test_a_challenge_is_used_once(shop, phone, account, which):
    if which == "login":
        presented = sign(shop, phone)
        shop.post("login/passkey", presented, 200)
        assert shop.post("login/passkey", presented, 422).json["code"] == "passkey_refused"
    else:
        offered = offer(shop, account)
        keep(shop, account, offered["flow"], Authenticator(ORIGIN).create(offered["options"]))
        other = Authenticator(ORIGIN).create(offered["options"])
        keep(shop, account, offered["flow"], other, 422)


def test_a_refused_signature_uses_up_the_challenge(shop, phone, account):
    good = sign(shop, phone)
    bad = {**good["credential"], "response": {**good["credential"]["response"], "signature": "AAAA"}}
    shop.post("login/passkey", {**good, "credential": bad}, 422)
    shop.post("login/passkey", good, 422)


def test_the_challenge_of_another_request_is_refused(shop, phone, account):
    first, second = sign(shop, phone), sign(shop, phone)
    shop.post("login/passkey", {"flow": first["flow"], "credential": second["credential"]}, 422)


def test_a_creation_belongs_to_the_customer_who_began_it(shop, account):
    offered = offer(shop, account)
    other = shop.register("eve@example.org").json["access_token"]
    keep(shop, other, offered["flow"], Authenticator(ORIGIN).create(offered["options"]), 422)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://shop.example"])
def test_another_sites_page_gets_no_options(shop, origin):
    token = shop.register().json["access_token"]
    assert offer(shop, token, origin, 422)["code"] == "foreign_page"
    assert ask(shop, origin, 422)["code"] == "foreign_page"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://shop.example", "https://a.shop.example"])
def test_what_another_site_made_is_refused(shop, phone, account, origin):
    asked = ask(shop)
    phone.origin = origin
    presented = {"flow": asked["flow"], "credential": phone.get(asked["options"])}
    shop.post("login/passkey", presented, 422)
    offered = offer(shop, account)
    keep(shop, account, offered["flow"], Authenticator(origin).create(offered["options"]), 422)


def test_a_passkey_works_on_its_own_host_only(shop, phone, account):
    asked = ask(shop, "https://music.example")
    phone.origin = "https://music.example"
    options = {**asked["options"], "rpId": "shop.example"}
    presented = {"flow": asked["flow"], "credential": phone.get(options)}
    # The browser decides by the list of related origins whether the page may use it.
    shop.post("login/passkey", presented, 200)
    phone.passkeys[0].rp_id = "music.example"
    log_in(shop, phone, 422)


def test_a_page_may_ask_for_another_host_of_the_organisation(shop):
    token = shop.register().json["access_token"]
    assert offer(shop, token, rp_id="music.example")["options"]["rp"]["id"] == "music.example"
    assert offer(shop, token, status=422, rp_id="evil.example")["code"] == "foreign_page"


def test_organisations_on_one_host_keep_their_passkeys_apart(autonomy):
    shops, phone = [], Authenticator("http://localhost:6543")
    for name in ("acme", "beacon"):
        autonomy.organisation(name, plugins=("customer_auth",))
        shops.append(Shop(autonomy, name))
        create(shops[-1], shops[-1].register().json["access_token"], phone)
    here, there = phone.passkeys
    assert here.rp_id == there.rp_id == "localhost"
    assert here.handle != there.handle
    log_in(shops[0], phone, 200, here)
    log_in(shops[1], phone, 422, here)
    log_in(shops[1], phone, 200, there)


def test_a_handle_of_another_account_is_refused(shop, phone, account):
    other = Authenticator(ORIGIN)
    create(shop, shop.register("eve@example.org").json["access_token"], other)
    phone.passkeys[0].handle = other.passkeys[0].handle
    log_in(shop, phone, 422)


def test_another_key_is_refused(shop, phone, account):
    stranger = Authenticator(ORIGIN)
    create(shop, shop.register("eve@example.org").json["access_token"], stranger)
    phone.passkeys[0].key = stranger.passkeys[0].key
    log_in(shop, phone, 422)


def test_a_counter_that_falls_back_marks_a_copy(shop, phone, account):
    log_in(shop, phone)
    phone.passkeys[0].count -= 1
    assert log_in(shop, phone, 422).json["code"] == "passkey_refused"
    assert listed(shop, account)[0]["copied_at"] is not None


def test_an_authenticator_that_does_not_count_logs_in_often(shop):
    phone = Authenticator(ORIGIN, counts=False)
    create(shop, shop.register().json["access_token"], phone)
    for _ in range(2):
        log_in(shop, phone)


def test_a_passkey_that_verifies_is_two_factors(shop, phone, account):
    app = protect(shop, account)
    log_in(shop, phone)
    assert app.recovery_codes


def test_a_passkey_that_does_not_verify_is_one_factor(shop):
    key = Authenticator(ORIGIN, verifies=False)
    token = shop.register().json["access_token"]
    create(shop, token, key)
    log_in(shop, key)
    app = protect(shop, token)
    refused = log_in(shop, key, 403).json
    assert refused["code"] == "second_factor_required"
    shop.post("login/second-factor", {"flow": refused["flow"], "code": app.code()}, 200)


def test_a_passkey_is_the_second_step_of_a_login(shop):
    key = Authenticator(ORIGIN, verifies=False)
    token = shop.register().json["access_token"]
    create(shop, token, key)
    protect(shop, token)
    refused = shop.login(status=403).json
    assert refused["methods"] == ["totp", "recovery_code", "passkey"]
    body = {"flow": refused["flow"], "passkey": sign(shop, key)}
    shop.me(shop.post("login/second-factor", body, 200).json["access_token"])


def test_another_customers_passkey_is_no_second_step(shop, phone):
    create(shop, shop.register("eve@example.org").json["access_token"], phone)
    protect(shop, shop.register().json["access_token"])
    flow = shop.login(status=403).json["flow"]
    shop.post("login/second-factor", {"flow": flow, "passkey": sign(shop, phone)}, 422)


def test_a_passkey_authenticates_again(shop, phone, account):
    again = call(shop, "post", "reauthenticate", account, {"passkey": sign(shop, phone)}, 200).json
    both = {"passkey": sign(shop, phone), "code": "123456"}
    call(shop, "post", "reauthenticate", again["access_token"], both, 422)


def test_an_account_has_a_limited_number_of_passkeys(shop, account):
    with shop.autonomy.scope("acme") as scope:
        first = scope.session.scalars(select(Passkey)).one()
        names = ("organisation_id", "customer_id", "name", "public_key", "rp_id", "sign_count", "backed_up")
        copied = {name: getattr(first, name) for name in names}
        scope.session.add_all(Passkey(**copied, credential_id=bytes([number])) for number in range(19))
    assert offer(shop, account, status=409)["code"] == "too_many_passkeys"


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"rawId": 5, "response": None},
        {"rawId": "AAAA", "response": {"userHandle": "AAAA", "clientDataJSON": "AAAA"}},
        {"rawId": "é", "response": {"userHandle": "é", "clientDataJSON": "é"}},
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30"}},
        {"id": "x" * 40_000},
    ],
    ids=range(6),
)
def test_what_is_no_credential_is_refused(shop, account, credential):
    shop.post("login/passkey", {"flow": ask(shop)["flow"], "credential": credential}, 422)
    keep(shop, account, offer(shop, account)["flow"], credential, 422)


def test_a_damaged_attestation_is_refused(shop, phone, account):
    offered = offer(shop, account)
    credential = Authenticator(ORIGIN).create(offered["options"])
    credential["response"]["attestationObject"] = in_base64(b"\x9f" * 2000)
    keep(shop, account, offered["flow"], credential, 422)
