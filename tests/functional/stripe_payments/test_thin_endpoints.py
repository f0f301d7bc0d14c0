"""``autonomy stripe webhook create --thin``: endpoints for thin events."""

import json

import pytest

from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.client import StripeCallFailed
from stripe_simulator.delivery import thin


@pytest.fixture
def made(site):
    """The one endpoint, as Stripe has it."""
    site.begin()
    assert "created ed_test_" in site.webhook("create", "acme", "--thin")
    (endpoint,) = site.endpoints()
    return endpoint


def test_create_makes_an_endpoint_for_thin_events(site, made):
    assert made["url"] == "https://acme.example/api/webhook/stripe/acme"
    assert set(made["enabled_events"]) == HANDLED_EVENTS
    assert site.written("test_webhook_endpoint_id") == made["id"]
    assert site.secret() == made["secret"]
    (listed,) = json.loads(site.webhook("list", "acme", "--json"))
    assert (listed["id"], listed["thin"], listed["organisations"]) == (made["id"], True, ["acme"])


def test_the_online_check_accepts_a_thin_endpoint(site, made):
    site.run("tenants", "check", "--online")


def test_the_endpoint_of_an_interrupted_command_is_replaced(site, made):
    site.path().write_text(
        "\n".join(line for line in site.path().read_text().splitlines() if "webhook" not in line) + "\n"
    )
    site.autonomy.runtime.tenants.reload()
    # Nothing in the file names it, so it is a leftover of ours, and gives way.
    said = site.webhook("create", "acme")
    assert f"removed {made['id']}, left by an interrupted command" in said


def test_a_rotation_keeps_the_endpoint_thin(site, made):
    site.webhook("rotate", "acme")
    (new,) = site.endpoints()
    assert (new["id"] != made["id"], new["thin"]) == (True, True)
    assert site.secret() == new["secret"]


def test_remove_deletes_a_thin_endpoint(site, made):
    site.webhook("remove", "acme", "--yes")
    assert site.endpoints() == []


@pytest.mark.parametrize("reason", ["missing", "refused", "not_permitted"])
def test_an_account_without_thin_events_is_reported_with_the_remedy(site, monkeypatch, reason):
    def asking(scope, environment, call, real=at_stripe._calling_stripe):
        if call.startswith("event_destinations"):
            raise StripeCallFailed(reason, f"Stripe refused {call}")
        return real(scope, environment, call)

    site.begin()
    monkeypatch.setattr(at_stripe, "_calling_stripe", asking)
    said = site.webhook("create", "acme", "--thin", status=1)
    assert "leave out --thin" in said
    assert site.endpoints() == []
    site.webhook("create", "acme")
    (endpoint,) = site.endpoints()
    assert endpoint["id"].startswith("we_")


def test_events_of_a_thin_endpoint_are_accepted(shop, monkeypatch):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    (event,) = shop.events({"checkout.session.completed"})
    assert shop.post(thin(event)).json["status"] == "processed"
    assert shop.owns()
