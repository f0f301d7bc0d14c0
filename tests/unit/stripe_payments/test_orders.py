"""The parameters of a new checkout session."""

from uuid import UUID

import pytest

from autonomy_core.plugin_api.protocols import CheckoutOrder
from stripe_payments.api.amounts import CurrencyNotTaken
from stripe_payments.checkout.orders import address_for_stripe, session_parameters

ORDER = {
    "payment_id": UUID(int=1),
    "product_id": UUID(int=2),
    "customer_id": UUID(int=3),
    "amount": 1200,
    "currency": "eur",
    "title": "First Light",
    "environment": "test",
    "customer_email": "ada@example.org",
    "success_url": "https://shop.example/paid",
    "cancel_url": "https://shop.example/",
    "api_url": "https://shop.example/api/v1/",
}


def parameters(**changes):
    return session_parameters("acme", CheckoutOrder(**(ORDER | changes)))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ada@example.org", "ada@example.org"),
        ("o'neil+shop@example.org", "o'neil+shop@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("søren@example.org", None),
        ("用户@example.org", None),
        ("ada@-.example", None),
    ],
)
def test_an_email_address_is_sent_to_stripe_in_ascii_or_omitted(address, told):
    assert address_for_stripe(address) == told
    assert parameters(customer_email=address).get("customer_email") == told


@pytest.mark.parametrize(("title", "name"), [(" First Light ", "First Light"), (" \t", "Untitled")])
def test_no_name_is_blank(title, name):
    assert parameters(title=title)["line_items"][0]["price_data"]["product_data"]["name"] == name


def test_the_price_contains_the_tax_that_stripe_computes():
    order = CheckoutOrder(**ORDER)
    taxed = session_parameters("acme", order, automatic_tax=True)
    assert taxed["automatic_tax"] == {"enabled": True}
    assert taxed["line_items"][0]["price_data"]["tax_behavior"] == "inclusive"
    assert "automatic_tax" not in parameters()


def test_a_currency_that_stripe_does_not_support_is_refused():
    with pytest.raises(CurrencyNotTaken, match="lyd"):
        parameters(currency="lyd")
