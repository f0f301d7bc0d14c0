from sqlalchemy import select, text

from autonomy_core.security.models import RateCount
from customer_auth.models import Credential, LoginSession, RefreshToken


def test_one_address_in_two_organisations_is_two_customers(shop, other_shop):
    here = shop.register(password="engine of acme").json["customer"]
    there = other_shop.register(password="engine of beacon").json["customer"]
    assert here["id"] != there["id"]
    shop.login(password="engine of beacon", status=401)
    other_shop.login(password="engine of acme", status=401)
    other_shop.login(password="engine of beacon")


def test_an_access_token_is_invalid_in_another_organisation(shop, other_shop):
    token = shop.register().json["access_token"]
    other_shop.register()
    other_shop.me(token, 401)
    headers = {"Authorization": f"Bearer {token}"}
    shop.autonomy.app.get("http://beacon.example/api/v1/customers/me", headers=headers, status=401)


def test_a_refresh_token_is_unknown_in_another_organisation(shop, other_shop):
    token = shop.register().json["refresh_token"]
    other_shop.refresh(token, 401)
    other_shop.logout(token)
    shop.refresh(token)


def test_raw_sql_without_a_condition_sees_the_own_rows_only(shop, other_shop):
    shop.register()
    other_shop.register()
    shop.login(password="another engine", status=401)
    for model in (Credential, LoginSession, RefreshToken, RateCount):
        with shop.autonomy.scope("beacon") as scope:
            seen = set(scope.session.scalars(text(f"SELECT organisation_id FROM {model.__tablename__}")))
        assert seen == {"beacon"}


def test_tokens_are_invalid_while_the_plugin_is_disabled(autonomy, shop):
    token = shop.register().json["access_token"]
    autonomy.organisation("acme", plugins=())
    shop.me(token, 401)


def test_a_session_knows_its_own_customer_only(shop, other_shop):
    shop.register()
    ids = {}
    for each in (shop, other_shop):
        with shop.autonomy.scope(each.id) as scope:
            ids[each.id] = scope.session.scalars(select(LoginSession.customer_id)).all()
    assert ids["beacon"] == []
