"""``autonomy stripe webhook create --thin``: Stripe sends thin events, and everything else is as with snapshots."""

import json

import pytest

from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.client import AskingFailed
from stripe_simulator.delivery import thin


@pytest.fixture
def made(site):
    """The one endpoint, as Stripe has it."""
    site.begin()
    assert "made ed_test_" in site.webhook("create", "acme", "--thin")
    (endpoint,) = site.endpoints()
    return endpoint


def test_an_endpoint_for_thin_events_is_made_and_written_into_the_ini_file(site, made):
    assert made["url"] == "https://acme.example/api/webhook/stripe/acme"
    assert set(made["enabled_events"]) == HANDLED_EVENTS
    assert site.written("test_webhook_endpoint_id") == made["id"]
    assert site.secret() == made["secret"]
    (listed,) = json.loads(site.webhook("list", "acme", "--json"))
    assert (listed["id"], listed["thin"], listed["organisations"]) == (made["id"], True, ["acme"])


def test_the_check_online_has_nothing_against_it(site, made):
    site.run("tenants", "check", "--online")


def test_one_that_an_interrupted_command_left_behind_gives_way(site, made):
    site.path().write_text(
        "\n".join(line for line in site.path().read_text().splitlines() if "webhook" not in line) + "\n"
    )
    site.autonomy.runtime.tenants.reload()
    # Nothing in the file names it, so it is a leftover of ours, and gives way.
    said = site.webhook("create", "acme")
    assert f"removed {made['id']}, left behind" in said


def test_a_rotation_keeps_it_thin(site, made):
    site.webhook("rotate", "acme")
    (new,) = site.endpoints()
    assert (new["id"] != made["id"], new["thin"]) == (True, True)
    assert site.secret() == new["secret"]


def test_it_is_removed(site, made):
    site.webhook("remove", "acme", "--yes")
    assert site.endpoints() == []


@pytest.mark.parametrize("reason", ["missing", "refused", "not_permitted"])
def test_where_the_account_has_no_thin_events_the_command_says_what_to_do(site, monkeypatch, reason):
    def asking(scope, environment, call, real=at_stripe._asking):
        if call.startswith("event_destinations"):
            raise AskingFailed(reason, f"Stripe refused {call}")
        return real(scope, environment, call)

    site.begin()
    monkeypatch.setattr(at_stripe, "_asking", asking)
    said = site.webhook("create", "acme", "--thin", status=1)
    assert "leave out --thin" in said
    assert site.endpoints() == []
    site.webhook("create", "acme")
    (endpoint,) = site.endpoints()
    assert endpoint["id"].startswith("we_")


def test_what_stripe_sends_there_is_taken(shop, monkeypatch):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    (event,) = shop.events({"checkout.session.completed"})
    assert shop.post(thin(event)).json["status"] == "processed"
    assert shop.owns()
