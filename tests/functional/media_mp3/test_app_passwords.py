"""App passwords: one for each device of a buyer."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from autonomy_core.plugin_api.customers import Customer
from autonomy_core.plugin_api.events import LoginsEnded
from autonomy_core.plugin_api.models import utcnow
from media_mp3.plugin import on_logins_ended
from media_mp3.subsonic import authentication, sealing
from media_mp3.subsonic.models import AppPassword
from tests.functional.media_mp3.players import Player, new_password


@pytest.fixture(autouse=True)
def _no_earlier_success(monkeypatch):
    monkeypatch.setattr(authentication, "SUCCESSES", authentication.RecentSuccesses())


def listed(shop, headers=None):
    path = f"{shop.api}/customers/app-passwords"
    return shop.autonomy.app.get(path, headers=headers or shop.as_ada).json["items"]


def revoke(shop, made, headers=None, status=204):
    path = f"{shop.api}/customers/app-passwords/{made['id']}"
    shop.autonomy.app.delete(path, headers=headers or shop.as_ada, status=status)


def ask(shop, name="ping", *, method="GET", **parameters):
    parameters = {"f": "json", **parameters}
    path = f"/{shop.id}/rest/{name}"
    app = shop.autonomy.app
    answer = app.get(path, parameters) if method == "GET" else app.post(path, parameters)
    found = answer.json["subsonic-response"]
    return "ok" if found["status"] == "ok" else found["error"]["code"]


def test_a_password_is_shown_once_and_works_until_it_is_revoked(shop):
    phone, car = new_password(shop, "Phone"), new_password(shop, "Car")
    player = Player(shop, phone)
    player.ask("ping")

    found = listed(shop)
    assert [each["name"] for each in found] == ["Car", "Phone"]
    assert [each["last_used_at"] is None for each in found] == [True, False]
    assert not any(phone["password"] in str(each) or "api_key" in each for each in found)

    revoke(shop, phone)
    assert player.refused("ping") == 40
    Player(shop, car).ask("ping")
    revoke(shop, phone, status=404)


def test_every_way_to_log_in(shop):
    made = new_password(shop)
    name, password = made["username"], made["password"]

    assert ask(shop, u=name, p=password) == "ok"
    assert ask(shop, u=name, p=f"enc:{password.encode().hex()}") == "ok"
    assert ask(shop, apiKey=made["api_key"]) == "ok"
    assert ask(shop, "ping.view", method="POST", u=name, p=password) == "ok"
    assert Player(shop, made).ask("tokenInfo")["tokenInfo"] == {"username": name}

    assert ask(shop, u=name, p="wrong") == 40
    assert ask(shop, u="nobody", p=password) == 40
    assert ask(shop, apiKey=f"{name}-wrong") == 44
    assert ask(shop, apiKey=made["api_key"], u=name) == 43
    assert ask(shop, u=name) == 10
    assert ask(shop, u="ada@example.org", p=password) == 40, "the account is no user name"


def test_an_error_is_xml_by_default_with_status_200(shop):
    answer = shop.autonomy.app.get(f"/{shop.id}/rest/ping.view", {"u": "nobody", "p": "wrong"}, status=200)

    assert answer.content_type == "application/xml"
    root = fromstring(answer.body)
    assert root.get("status") == "failed"
    assert root[0].get("code") == "40"


def test_the_host_names_the_organisation(shop):
    made = new_password(shop)
    query = {"apiKey": made["api_key"], "f": "json"}

    answer = shop.autonomy.app.get("/rest/ping", query, headers={"Host": "acme.example"})

    assert answer.json["subsonic-response"]["status"] == "ok"
    shop.autonomy.app.get("/rest/ping", query, headers={"Host": "nobody.example"}, status=404)
    shop.autonomy.app.get("/acme/rest/ping/more", query, status=404)


def test_another_customer_neither_sees_nor_revokes_it(shop):
    made = new_password(shop)
    bob = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org"))

    assert listed(shop, bob) == []
    revoke(shop, made, headers=bob, status=404)
    Player(shop, made).ask("ping")


def test_a_blocked_customer_is_refused(shop):
    player = Player.of(shop)
    player.ask("ping")
    with shop.autonomy.scope(shop.id) as scope:
        blocked = {"blocked_at": utcnow(), "blocked_because": "a reason"}
        scope.session.execute(update(Customer).where(Customer.id == shop.ada.id).values(**blocked))
    assert player.refused("ping") == 40


def test_guesses_are_limited_and_a_known_device_goes_on(shop):
    player = Player.of(shop)
    player.ask("ping")
    for _ in range(authentication.PER_DEVICE.attempts):
        assert ask(shop, u="tv", p="guess") == 40
    assert ask(shop, u="tv", p="guess") == 0, "the limit is reached"
    player.ask("ping")

    name = player.made["username"]
    for _ in range(authentication.PER_DEVICE.attempts):
        assert ask(shop, u=name, p="guess") == 40
    assert ask(shop, u=name, p=player.made["password"]) == 0, "even the right one has to wait"


def test_nothing_that_opens_the_library_is_logged(shop):
    made = new_password(shop)
    with capture_logs() as logs:
        ask(shop, u=made["username"], p=made["password"])
        ask(shop, apiKey=made["api_key"])
        ask(shop, "getEverything", method="POST", u=made["username"], p=made["password"])
        ask(shop, "getEverything", apiKey=f"{made['username']}-{'wrong' * 4}")

    said = str(logs)
    assert made["password"] not in said
    assert "wrong" * 4 not in said
    unknown = [line for line in logs if line["event"] == "media_mp3.subsonic_call_unknown"]
    assert [line["call"] for line in unknown] == ["getEverything"]


def test_passwords_are_encrypted_and_follow_the_servers_secret(shop):
    player = Player.of(shop)
    with shop.autonomy.scope(shop.id) as scope:
        row = scope.session.scalars(select(AppPassword)).one()
        assert player.made["password"].encode() not in row.sealed_secret
        before, row.sealed_with = row.sealed_secret, "an earlier secret"
    with shop.autonomy.scope(shop.id) as scope:
        sealing.reseal(scope)
        row = scope.session.scalars(select(AppPassword)).one()
        assert row.sealed_secret != before
        assert row.sealed_with == sealing.current_seal(scope)
    player.ask("ping")


def test_the_end_of_all_logins_revokes_every_password(shop):
    player = Player.of(shop)
    with shop.autonomy.scope(shop.id) as scope:
        on_logins_ended(LoginsEnded(scope, shop.ada.id))
    assert player.refused("ping") == 40


def test_an_organisation_can_do_without(make_shop):
    shop = make_shop(opensubsonic="no")
    new_password(shop, status=404)
    shop.autonomy.app.get("/acme/rest/ping", {"u": "x", "p": "y"}, status=404)
