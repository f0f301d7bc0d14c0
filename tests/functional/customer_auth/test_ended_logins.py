"""A token whose login has ended makes no credential, also in the seconds in which it is still accepted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from autonomy_core.plugin_api.customers import require_open_login
from autonomy_core.plugin_api.errors import NotAuthenticated
from autonomy_core.security.roles import Role
from autonomy_core.staff import services as staff
from customer_auth.models import LoginSession
from customer_auth.sessions.services import end_all_sessions
from tests.functional.customer_auth.concurrent_calls import wait_for_a_lock
from tests.functional.customer_auth.passkeys import ORIGIN, keep, offer
from tests.functional.customer_auth.second_factors import bearer, call, enrol, protect
from tests.functional.customer_auth.shop import EMAIL, PASSWORD, Shop
from tests.support.authenticator import Authenticator


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=("customer_auth",), hosts=("shop.example",))
    return Shop(autonomy, "acme")


def end_logins(shop, token):
    """End all logins as staff do, after the token was accepted: the process still takes it for open."""
    customer_id = UUID(shop.me(token).json["id"])
    with shop.autonomy.scope(shop.id) as scope:
        end_all_sessions(scope, customer_id)
    shop.me(token)


def test_an_ended_login_keeps_no_new_passkey(shop):
    token = shop.register().json["access_token"]
    phone = Authenticator(ORIGIN)
    offered = offer(shop, token)
    end_logins(shop, token)
    keep(shop, token, offered["flow"], phone.create(offered["options"]), 401)


def test_an_ended_login_confirms_no_authenticator_app(shop):
    token = shop.register().json["access_token"]
    app = enrol(shop, token)
    end_logins(shop, token)
    call(shop, "post", "second-factors/totp", token, {}, 401)
    call(shop, "post", "second-factors/totp/confirm", token, {"code": app.code()}, 401)


def test_an_ended_login_changes_no_second_factor(shop):
    token = protect(shop, shop.register().json["access_token"]).access_token
    end_logins(shop, token)
    call(shop, "post", "second-factors/recovery-codes", token, {}, 401)
    call(shop, "delete", "second-factors/totp", token, status=401)


def test_an_ended_login_sets_no_password(shop):
    token = shop.register().json["access_token"]
    end_logins(shop, token)
    shop.change_password(token, PASSWORD, "a longer engine", 401)
    call(shop, "post", "reauthenticate", token, {"password": PASSWORD}, 401)
    shop.login()


def test_an_ended_login_does_not_change_the_address(shop, post):
    token = shop.register().json["access_token"]
    post.arrived()
    shop.post("email", {"email": "mallory@example.org"}, 202, bearer(token))
    proof = post.one().token
    end_logins(shop, token)
    shop.post("email/confirm", {"token": proof}, 401, bearer(token))


def test_an_ended_login_of_staff_issues_no_key_or_invitation(shop):
    token = shop.register().json["access_token"]
    with shop.autonomy.scope(shop.id) as scope:
        invitation = staff.invite(scope, EMAIL, Role.OWNER, staff.Giver("cli:operator", None))
        invited = staff.new_token(scope, invitation.id)
    shop.post("me/staff", {"token": invited}, 201, bearer(token))
    token = protect(shop, token).access_token
    app, admin = shop.autonomy.app, f"/{shop.id}/api/v1/admin"
    app.get(f"{admin}/keys", headers=bearer(token))
    end_logins(shop, token)
    key, colleague = {"name": "mine", "scopes": ["audit.read"]}, {"email": "eve@example.org", "role": "owner"}
    app.post_json(f"{admin}/keys", key, headers=bearer(token), status=401)
    app.post_json(f"{admin}/invitations", colleague, headers=bearer(token), status=401)


@pytest.mark.concurrent
def test_the_end_of_all_logins_waits_for_a_new_credential(committed_shop):
    """The ending waits for the transaction that makes the credential, and then finds the credential."""
    customer_id, session_id = login_of(committed_shop)
    with ThreadPoolExecutor(1) as pool, committed_shop.autonomy.scope() as scope:
        require_open_login(scope, customer_id, session_id)
        ending = pool.submit(end_all, committed_shop, customer_id)
        wait_for_a_lock(committed_shop.autonomy.database)
        assert not ending.done()
    ending.result()


@pytest.mark.concurrent
def test_a_login_that_ends_at_this_moment_makes_nothing(committed_shop):
    customer_id, session_id = login_of(committed_shop)

    def make():
        with committed_shop.autonomy.scope() as scope:
            require_open_login(scope, customer_id, session_id)

    with ThreadPoolExecutor(1) as pool:
        with committed_shop.autonomy.scope() as scope:
            end_all_sessions(scope, customer_id)
            making = pool.submit(make)
            wait_for_a_lock(committed_shop.autonomy.database)
        with pytest.raises(NotAuthenticated):
            making.result()


def login_of(shop):
    """A customer, and the customer's open login."""
    shop.register()
    with shop.autonomy.scope() as scope:
        login = scope.session.query(LoginSession).one()
        return login.customer_id, login.id


def end_all(shop, customer_id):
    with shop.autonomy.scope() as scope:
        end_all_sessions(scope, customer_id)
