"""A customer sees where the account is logged in, and ends logins."""

from datetime import timedelta

from sqlalchemy import update

from autonomy_core.plugin_api.models import utcnow
from customer_auth.models import LoginSession

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


def listed(shop, token, **query):
    path = f"/{shop.id}/api/v1/customers/sessions"
    return shop.autonomy.app.get(path, query, headers=bearer(token)).json["items"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def end(shop, token, which="", status=204):
    path = f"/{shop.id}/api/v1/customers/sessions{which and '/'}{which}"
    return shop.autonomy.app.delete(path, headers=bearer(token), status=status)


def log_in_with(shop, user_agent):
    body = {"email": "ada@example.org", "password": "a long engine"}
    return shop.post("login", body, headers={"User-Agent": user_agent}).json


def test_each_login_is_listed_with_device_and_coarse_origin(shop):
    shop.register()
    log_in_with(shop, FIREFOX)
    shop.address = "2001:db8:1:2:3::9"
    token = log_in_with(shop, SAFARI)["access_token"]
    phone, computer, register = listed(shop, token)
    assert (phone["browser"], phone["system"], phone["network"]) == ("Safari", "iPhone", "2001:db8:1::/48")
    assert (computer["browser"], computer["system"], computer["network"]) == (
        "Firefox",
        "Linux",
        "192.0.2.0/24",
    )
    assert (register["browser"], register["system"]) == (None, None)
    assert [each["current"] for each in (phone, computer, register)] == [True, False, False]


def test_a_refresh_is_seen_in_the_list(shop):
    tokens = shop.register().json
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(LoginSession).values(last_seen_at=utcnow() - timedelta(days=2)))
    (before,) = listed(shop, tokens["access_token"])
    (after,) = listed(shop, shop.refresh(tokens["refresh_token"]).json["access_token"])
    assert after["last_seen_at"] > before["last_seen_at"]
    assert after["created_at"] == before["created_at"]


def test_ending_one_login_ends_its_tokens_only(shop, asked_each_time):
    lost = shop.register().json
    kept = shop.login().json["access_token"]
    end(shop, kept, listed(shop, lost["access_token"])[1]["id"])
    shop.me(lost["access_token"], 401)
    shop.refresh(lost["refresh_token"], 401)
    assert [each["current"] for each in listed(shop, kept)] == [True]


def test_ending_all_logins_keeps_the_one_that_asks(shop, asked_each_time):
    others = [shop.register().json, shop.login().json]
    kept = shop.login().json
    end(shop, kept["access_token"])
    for other in others:
        shop.me(other["access_token"], 401)
        shop.refresh(other["refresh_token"], 401)
    shop.refresh(kept["refresh_token"])


def test_ending_logins_needs_a_recent_authentication(shop):
    """A thief of a token cannot log the owner out. The owner's refusal costs a `reauthenticate`."""
    shop.register()
    tokens = shop.login().json
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(LoginSession).values(authenticated_at=utcnow() - timedelta(minutes=11)))
    token = shop.refresh(tokens["refresh_token"]).json["access_token"]
    for which in ("", listed(shop, token)[1]["id"]):
        assert end(shop, token, which, 403).json["code"] == "reauthentication_required"
    assert len(listed(shop, token)) == 2
    recent = shop.post("reauthenticate", {"password": "a long engine"}, headers=bearer(token)).json
    end(shop, recent["access_token"])
    assert [each["current"] for each in listed(shop, recent["access_token"])] == [True]


def test_a_login_of_another_customer_is_not_found(shop):
    mine = shop.register().json["access_token"]
    theirs = shop.register("eve@example.org").json["access_token"]
    end(shop, mine, listed(shop, theirs)[0]["id"], 404)
    assert len(listed(shop, theirs)) == 1


def test_an_ended_login_is_neither_listed_nor_found(shop):
    shop.register()
    kept = shop.login().json["access_token"]
    ended = listed(shop, kept)[1]["id"]
    end(shop, kept, ended)
    end(shop, kept, ended, 404)
    assert len(listed(shop, kept)) == 1


def test_an_expired_login_is_not_listed(shop):
    shop.register()
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(LoginSession).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert len(listed(shop, shop.login().json["access_token"])) == 1


def test_the_list_needs_a_login(shop):
    shop.autonomy.app.get("/acme/api/v1/customers/sessions", status=401)


def test_the_list_has_pages(shop):
    shop.register()
    token = shop.login().json["access_token"]
    assert [each["current"] for each in listed(shop, token, limit=1)] == [True]
