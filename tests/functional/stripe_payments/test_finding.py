"""Staff find a payment by any of Stripe's ids, and by the server's own."""

import pytest
import requests
from structlog.testing import capture_logs

from autonomy_core.errors import Unavailable
from autonomy_core.payments.references import find_by_reference
from tests.functional.stripe_payments.shop import Shop


@pytest.fixture
def payment(shop):
    return shop.sell()


@pytest.fixture
def faulty(shop):
    """Let Stripe's answers to a path fail until the test ends."""
    yield lambda path: shop.at_stripe("faults", status="500", times="50", path=path)
    requests.delete(f"{shop.simulator.url}/_simulator/faults", timeout=120)


def found(shop, reference):
    return find_by_reference(
        shop.autonomy.runtime.scope_outside(shop.autonomy.get_organisation(shop.id)), reference
    )


def ids_of(shop, kind):
    return [each["id"] for each in shop.ledger(kind)]


def test_a_payment_is_found_by_every_id_that_the_dashboard_shows(shop, payment):
    shop.at_stripe(f"sessions/{ids_of(shop, 'sessions')[0]}/refund", amount=300)
    shop.at_stripe(f"sessions/{ids_of(shop, 'sessions')[0]}/dispute", amount=100)
    kinds = ("sessions", "payment_intents", "charges", "refunds", "disputes")
    ids = [identifier for kind in kinds for identifier in ids_of(shop, kind)]
    assert len(ids) == 5
    assert {identifier: found(shop, identifier) for identifier in ids} == dict.fromkeys(ids, payment)


def test_a_customer_is_found_by_every_id_over_http(shop, payment):
    session = ids_of(shop, "sessions")[0]
    shop.at_stripe(f"sessions/{session}/refund", amount=300)
    for kind, prefix in (
        ("sessions", "cs_"),
        ("payment_intents", "pi_"),
        ("charges", "ch_"),
        ("refunds", "re_"),
    ):
        (identifier,) = ids_of(shop, kind)
        assert identifier.startswith(prefix)
        answer = shop.as_staff("get", f"customers?reference={identifier}").json
        assert [each["id"] for each in answer["items"]] == [str(shop.customer.id)]


def test_ids_that_the_server_has_recorded_are_found_without_stripe(shop, payment, faulty):
    shop.at_stripe(f"sessions/{ids_of(shop, 'sessions')[0]}/refund", amount=300)
    shop.post_events(("refund.created",))
    recorded = [
        str(payment),
        *ids_of(shop, "sessions"),
        *ids_of(shop, "refunds"),
        *ids_of(shop, "payment_intents"),
    ]
    faulty("/v1/")
    assert {found(shop, identifier) for identifier in recorded} == {payment}


def test_the_search_says_that_stripe_does_not_answer(shop, payment, faulty):
    faulty("/v1/charges")
    with pytest.raises(Unavailable):
        found(shop, ids_of(shop, "charges")[0])


def test_an_id_of_another_organisation_finds_nothing(shop, payment, autonomy, simulator):
    other = Shop(autonomy, simulator, "bmce")
    for kind in ("sessions", "payment_intents", "charges"):
        assert found(other, ids_of(shop, kind)[0]) is None
    assert found(other, str(payment)) is None


@pytest.mark.parametrize("text", ["", " ", "ch_", "ch_1/../v1/account", "x" * 400, "0", "ch_nothing"])
def test_any_other_text_finds_nothing(shop, payment, text):
    assert found(shop, text) is None


def test_an_unknown_id_raises_no_alarm_about_missing_keys(shop, payment):
    with capture_logs() as logged:
        assert found(shop, "pi_nope") is None
    assert "stripe.not_set_up" not in {each["event"] for each in logged}
