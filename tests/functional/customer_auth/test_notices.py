"""The owner of an account hears by mail of new devices and of changed factors."""

import pytest

from customer_auth.sessions.notices import NOTICES
from tests.functional.customer_auth.mailing import Post
from tests.functional.customer_auth.second_factors import call, protect

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def account(shop):
    """The answer to a registration, after its mails were read."""
    registered = shop.register(status=201).json
    shop.mail = Post(shop, *(notice.name for notice in NOTICES))
    shop.mail.arrived()
    return registered


def log_in(shop, user_agent=FIREFOX, status=200, **more):
    body = {"email": "ada@example.org", "password": "a long engine", **more}
    return shop.post("login", body, status, headers={"User-Agent": user_agent}).json


def subjects(shop):
    return [letter.message["Subject"] for letter in shop.mail.arrived()]


def test_a_login_from_a_new_device_is_announced_once(shop, account):
    log_in(shop)
    letter = shop.mail.one()
    assert letter.to == "ada@example.org"
    assert "new login" in letter.message["Subject"]
    assert "Firefox" in letter.text
    assert "192.0.2.0/24" in letter.text
    log_in(shop)
    assert subjects(shop) == []


def test_a_registration_and_a_known_device_are_not_announced(shop, account):
    shop.login()
    shop.address = "203.0.113.9"
    log_in(shop, device_token=account["device_token"])
    assert subjects(shop) == []


def test_a_refused_login_is_not_announced(shop, account):
    log_in(shop, status=401, password="another engine")
    assert subjects(shop) == []


def test_the_first_step_of_a_login_is_not_announced(shop, account):
    app = protect(shop, account["access_token"])
    shop.mail.arrived()
    flow = log_in(shop, status=403)["flow"]
    assert subjects(shop) == []
    shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 200, headers={"User-Agent": FIREFOX})
    assert len(subjects(shop)) == 1


def test_changes_of_factors_are_announced(shop, account):
    app = protect(shop, account["access_token"])
    flow = shop.login(status=403).json["flow"]
    shop.post("login/second-factor", {"flow": flow, "code": app.recovery_codes[0]}, 200)
    call(shop, "post", "second-factors/recovery-codes", app.access_token, {}, 201)
    call(shop, "delete", "second-factors/totp", app.access_token, status=204)
    told = [letter.text for letter in shop.mail.arrived()]
    for words, text in zip(("was added", "was used", "were made", "was removed"), told, strict=True):
        assert words in text


def test_an_announcement_is_in_the_customers_language(shop, account):
    path = f"/{shop.id}/api/v1/customers/me"
    headers = {"Authorization": f"Bearer {account['access_token']}"}
    shop.autonomy.app.patch_json(path, {"locale": "de"}, headers=headers)
    log_in(shop)
    assert "neue Anmeldung" in shop.mail.one().message["Subject"]
