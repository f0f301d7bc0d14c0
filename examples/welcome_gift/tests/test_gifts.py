from uuid import UUID

import pytest

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.customers import Customer, change_customer, find_customer, prove_address
from autonomy_core.testing.application import Autonomy

GIFT = UUID("0198c0de-0000-7000-8000-000000000001")


@pytest.fixture
def shop(autonomy: Autonomy) -> Autonomy:
    """Two organisations, of which one gives a product."""
    section = {"welcome_gift": {"product_id": str(GIFT)}}
    autonomy.organisation("acme", plugins=("stand_ins", "welcome_gift"), settings=section)
    autonomy.organisation("globex", plugins=("stand_ins",))
    return autonomy


@pytest.fixture
def gift(shop: Autonomy) -> Product:
    shop.product("globex", id=GIFT, title="First Light")
    return shop.product("acme", id=GIFT, title="First Light")


def verify(shop: Autonomy, customer: Customer) -> None:
    """Prove the mailbox of a customer, and run the jobs that follow: the gift, its mail."""
    with shop.scope(customer.organisation_id) as scope:
        prove_address(scope, customer.email, within=customer.id)
    for _ in range(2):
        assert shop.run_jobs(customer.organisation_id) == []


def owned_by(shop: Autonomy, customer: Customer) -> list[str]:
    path = f"/{customer.organisation_id}/api/v1/customers/products"
    return [item["title"] for item in shop.app.get(path, headers=shop.as_customer(customer)).json["items"]]


def test_a_verified_customer_is_given_the_product_and_a_mail(shop: Autonomy, gift: Product) -> None:
    ada, before = shop.customer("acme"), len(shop.mailbox())
    assert owned_by(shop, ada) == []
    verify(shop, ada)
    assert owned_by(shop, ada) == ["First Light"]
    (mail,) = shop.mailbox()[before:]
    assert (mail["To"], mail["Subject"]) == ("ada@example.org", "A gift from Acme")
    assert "First Light" in mail.as_string()


def test_the_mail_is_in_the_language_of_the_customer(shop: Autonomy, gift: Product) -> None:
    ada, before = shop.customer("acme"), len(shop.mailbox())
    with shop.scope("acme") as scope:
        customer = find_customer(scope, ada.id)
        assert customer is not None
        change_customer(scope, customer, {"locale": "de"}, actor="test")
    verify(shop, ada)
    assert [mail["Subject"] for mail in shop.mailbox()[before:]] == ["Ein Geschenk von Acme"]


def test_a_second_proof_brings_no_second_gift(shop: Autonomy, gift: Product) -> None:
    ada, before = shop.customer("acme"), len(shop.mailbox())
    verify(shop, ada)
    verify(shop, ada)
    assert owned_by(shop, ada) == ["First Light"]
    assert len(shop.mailbox()) == before + 1


def test_staff_see_who_gave_it_and_take_it_back(shop: Autonomy, gift: Product) -> None:
    ada, staff = shop.customer("acme"), shop.as_staff("acme")
    verify(shop, ada)
    path = f"/acme/api/v1/admin/customers/{ada.id}/grants"
    (given,) = shop.app.get(path, headers=staff).json["items"]
    assert (given["given_by"], given["payment_id"]) == ("plugin:welcome_gift", None)
    shop.app.post_json(f"{path}/{given['id']}/revoke", {"reason": "a mistake"}, headers=staff)
    assert owned_by(shop, ada) == []


def test_a_missing_product_delays_the_gift_and_no_proof(shop: Autonomy) -> None:
    ada = shop.customer("acme")
    with shop.scope("acme") as scope:
        verified = prove_address(scope, ada.email, within=ada.id)
    assert verified is not None
    assert verified.email_verified
    assert shop.run_jobs("acme") == ["welcome_gift.give"]
    shop.product("acme", id=GIFT, title="First Light")
    assert shop.run_jobs("acme") == []
    assert owned_by(shop, ada) == ["First Light"]


def test_where_it_is_not_enabled_nothing_is_given(shop: Autonomy, gift: Product) -> None:
    ada = shop.customer("globex")
    verify(shop, ada)
    assert owned_by(shop, ada) == []
