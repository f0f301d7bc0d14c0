"""The hook `on_logins_ended`: whatever ends all logins of a customer tells the other plugins."""

from __future__ import annotations

from types import ModuleType

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.errors import NotAllowed
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing.application import chosen_plugins
from tests.functional.customer_auth.mailing import ADA, EVE, Post
from tests.functional.customer_auth.second_factors import bearer, call, protect
from tests.functional.customer_auth.shop import PASSWORD, Shop

ended, acts = [], []


@hookimpl
def on_logins_ended(event):
    ended.append(str(event.customer_id))
    for act in acts:
        act(event)


KEEPER = ModuleType("keeper.plugin")
KEEPER.on_logins_ended = on_logins_ended


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("customer_auth").modules, "keeper": KEEPER})


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=("customer_auth", "keeper"))
    shop = Shop(autonomy, "acme")
    shop.register(EVE)
    acts.clear()
    ended.clear()
    return shop


def change_the_password(shop, tokens, post):
    shop.change_password(tokens["access_token"], PASSWORD, "a longer engine")


def reset_the_password(shop, tokens, post):
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("password/reset", {"token": post.arrived()[-1].token, "password": "a longer engine"}, 204)


def log_out_everywhere_else(shop, tokens, post):
    call(shop, "delete", "sessions", tokens["access_token"], status=204)


def add_a_second_factor(shop, tokens, post):
    protect(shop, tokens["access_token"])


def have_staff_end_the_logins(shop, tokens, post):
    path = f"/{shop.id}/api/v1/admin/customers/{tokens['customer']['id']}/sessions"
    shop.autonomy.app.delete(path, headers=shop.autonomy.as_staff(), status=204)


def be_blocked(shop, tokens, post):
    path = f"/{shop.id}/api/v1/admin/customers/{tokens['customer']['id']}/block"
    shop.autonomy.app.post_json(path, {"reason": "abuse"}, headers=shop.autonomy.as_staff())


def take_the_account_back(shop, tokens, post):
    headers = bearer(tokens["access_token"])
    mine = next(letter for letter in post.arrived() if letter.to == ADA)
    shop.post("email/verify", {"code": mine.code}, 200, headers)
    shop.post("email", {"email": "mallory@example.org"}, 202, headers)
    shop.post("email/confirm", {"token": post.one().token}, 200, headers)
    assert ended == []
    shop.post("email/undo", {"token": post.one().token}, 204)


def have_the_owner_of_the_mailbox_prove_it(shop, tokens, post):
    shop.post("library-link", {"email": ADA}, 202)
    shop.post("library", {"token": post.arrived()[-1].token}, 200)


@pytest.mark.parametrize(
    "act",
    [
        change_the_password,
        reset_the_password,
        log_out_everywhere_else,
        add_a_second_factor,
        have_staff_end_the_logins,
        be_blocked,
        take_the_account_back,
        have_the_owner_of_the_mailbox_prove_it,
    ],
    ids=lambda act: act.__name__,
)
def test_a_plugin_hears_that_all_logins_ended(shop, act):
    tokens = shop.register().json

    act(shop, tokens, Post(shop))

    assert set(ended) == {tokens["customer"]["id"]}


def test_a_login_that_ends_alone_is_not_told(shop):
    tokens = shop.register().json
    (login,) = shop.get("sessions", bearer(tokens["access_token"])).json["items"]
    other = shop.login().json

    call(shop, "delete", f"sessions/{login['id']}", other["access_token"], status=204)
    shop.logout(other["refresh_token"])

    assert ended == []


def test_a_plugin_that_fails_leaves_password_and_logins_as_they_were(shop):
    def refuse(event):
        raise NotAllowed("The tokens cannot be revoked.")

    tokens = shop.register().json
    acts.append(refuse)

    shop.change_password(tokens["access_token"], PASSWORD, "a longer engine", 403)

    acts.clear()
    shop.login()
    shop.me(tokens["access_token"])
