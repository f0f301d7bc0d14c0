"""Members of staff log in like customers; owners and finance with an authenticator app or a passkey."""

import pytest

from autonomy_core.security.roles import Role
from autonomy_core.staff import services
from tests.functional.customer_auth.passkeys import ORIGIN, create, log_in
from tests.functional.customer_auth.second_factors import bearer, protect
from tests.functional.customer_auth.shop import EMAIL, Shop
from tests.support.authenticator import Authenticator


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=("customer_auth",), hosts=("shop.example",))
    return Shop(autonomy, "acme")


@pytest.fixture(params=["owner", "finance"])
def token(shop, request):
    """The access token of a member, after a login with the password."""
    token = shop.register().json["access_token"]
    with shop.autonomy.scope() as scope:
        operator = services.Giver("cli:operator", None)
        invitation = services.invite(scope, EMAIL, Role(request.param), operator)
        invited = services.new_token(scope, invitation.id)
    path = f"/{shop.id}/api/v1/customers/me/staff"
    shop.autonomy.app.post_json(path, {"token": invited}, headers=bearer(token), status=201)
    return token


def payments(shop, token, status):
    """Read payments as staff."""
    return shop.autonomy.app.get(f"/{shop.id}/api/v1/admin/payments", headers=bearer(token), status=status)


def test_a_password_alone_does_not_act_as_owner_or_finance(shop, token):
    assert payments(shop, token, 403).json["code"] == "staff_needs_second_factor"


def test_an_app_makes_a_member_act(shop, token):
    app = protect(shop, token)
    payments(shop, app.access_token, 200)
    flow = shop.login(status=403).json["flow"]
    tokens = shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 200).json
    payments(shop, tokens["access_token"], 200)
    payments(shop, shop.refresh(tokens["refresh_token"]).json["access_token"], 200)


def test_a_passkey_makes_a_member_act(shop, token):
    phone = Authenticator(ORIGIN)
    create(shop, token, phone)
    payments(shop, log_in(shop, phone).json["access_token"], 200)


def test_a_passkey_that_does_not_verify_its_user_is_not_enough(shop, token):
    key = Authenticator(ORIGIN, verifies=False)
    create(shop, token, key)
    payments(shop, log_in(shop, key).json["access_token"], 403)
