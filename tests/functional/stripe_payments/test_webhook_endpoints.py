"""``autonomy stripe webhook``: endpoints at Stripe, and their secrets in the organisations' files."""

from __future__ import annotations

import json
import re
import socket
import stat

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from stripe_payments.api.client import API_VERSION
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.admin import EndpointAdmin

URL = "https://acme.example/api/webhook/stripe/acme"


@pytest.fixture
def site(site):
    site.begin()
    return site


@pytest.fixture
def rotated(site):
    """The site with an endpoint, and the endpoint."""
    site.webhook("create", "acme")
    return site.endpoints()[0]


class Killed(BaseException):
    """The command is killed."""


def test_create_makes_the_endpoint_and_enables_the_organisation(site):
    assert site.autonomy.runtime.tenants.get("acme") is None
    said = site.webhook("create", "acme")
    (made,) = site.endpoints()
    assert made["id"] in said
    assert (made["url"], made["api_version"]) == (URL, API_VERSION)
    assert set(made["enabled_events"]) == HANDLED_EVENTS
    assert site.written("test_webhook_endpoint_id") == made["id"]
    assert site.secret() == made["secret"]
    assert made["secret"] not in said
    assert site.answer_to(made["secret"]) == 200


def test_create_stores_the_secret_in_a_private_file(site):
    before = site.path().read_text()
    site.webhook("create", "acme")
    kept = site.directory / "secrets" / "acme-test-webhook"
    assert site.written("test_webhook_secret") == "file:secrets/acme-test-webhook"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    after = site.path().read_text()
    changed = {line.partition(" =")[0] for line in {*after.splitlines()} - {*before.splitlines()}}
    assert changed == {"test_webhook_secret", "test_webhook_endpoint_id"}
    assert re.sub(r"^(test_webhook\w+ =).*", r"# \1", after, flags=re.MULTILINE) == before


def test_the_secret_is_written_to_the_configured_reference(site):
    path = site.path()
    path.write_text(
        path.read_text().replace("# test_webhook_secret =", "test_webhook_secret = file:secrets/mine")
    )
    site.webhook("create", "acme")
    assert (site.directory / "secrets" / "mine").read_text().strip() == site.endpoints()[0]["secret"]


def test_the_secret_may_be_kept_in_the_ini_itself(site):
    site.webhook("create", "acme", "--secret-in", "ini")
    assert site.written("test_webhook_secret") == site.endpoints()[0]["secret"]


def test_the_endpoint_may_have_another_address_of_the_server(site):
    site.webhook("create", "acme", "--server", "https://api.example.net")
    assert site.endpoints()[0]["url"] == "https://api.example.net/api/webhook/stripe/acme"
    assert "not the URL of a server" in site.webhook(
        "rotate", "acme", "--server", "api.example.net/x", status=1
    )


def test_each_change_is_audited(site, rotated):
    site.webhook("rotate", "acme")
    with site.autonomy.scope("acme") as scope:
        entries = list(scope.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    assert [(entry.action, entry.target) for entry in entries] == [
        ("stripe_webhook.created", "stripe_webhook:test"),
        ("stripe_webhook.rotated", "stripe_webhook:test"),
    ]


def test_create_does_not_replace_an_existing_endpoint(site, rotated):
    assert "rotate acme" in site.webhook("create", "acme", status=1)
    site.begin("other")
    by_hand = site.add_endpoint("https://other.example/api/webhook/stripe/other")
    assert f"remove other {by_hand['id']}" in site.webhook("create", "other", status=1)
    assert len(site.endpoints()) == 2
    assert site.written("test_webhook_secret", "other") is None


def test_a_full_account_is_reported_with_the_remedy(site):
    for number in range(16):
        site.add_endpoint(f"https://elsewhere.example/{number}")
    said = site.webhook("create", "acme", status=1)
    assert "has 16 webhook endpoints" in said
    assert "create acme --share-with OTHER" in said
    assert site.written("test_webhook_secret") is None


def test_a_key_that_stripe_refuses_is_reported_without_a_change(site):
    before = site.begin(key="rk_test_unknown").read_text()
    assert "Stripe does not accept the key" in site.webhook("create", "acme", status=1)
    assert site.path().read_text() == before


def test_a_file_with_other_problems_is_left_alone(site):
    path = site.path()
    path.write_text(path.read_text().replace("currency = eur", "curency = eur"))
    assert "unknown_key" in site.webhook("create", "acme", status=1)
    assert site.endpoints() == []


def test_an_endpoint_whose_secret_cannot_be_stored_is_deleted(site, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "acme.ini")

    with monkeypatch.context() as patched:
        patched.setattr(EndpointAdmin, "save", full)
        assert "No space left" in site.webhook("create", "acme", status=1)
    assert site.endpoints() == []


def test_the_leftovers_of_a_killed_command_are_removed_by_the_next(site, monkeypatch):
    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(EndpointAdmin, "save", killed)
        site.webhook("create", "acme")
    (left,) = site.endpoints()
    assert f"removed {left['id']}" in site.webhook("create", "acme")
    (made,) = site.endpoints()
    assert site.answer_to(made["secret"]) == 200


def test_rotate_replaces_the_endpoint_and_the_secret(site, rotated):
    site.webhook("rotate", "acme")
    (new,) = site.endpoints()
    assert new["id"] != rotated["id"]
    assert (new["url"], site.written("test_webhook_endpoint_id")) == (URL, new["id"])
    assert [site.answer_to(each["secret"]) for each in (new, rotated)] == [200, 400]
    assert site.written("test_previous_webhook_secret") is None
    assert [each.name for each in (site.directory / "secrets").iterdir()] == ["acme-test-webhook-2"]


def test_rotate_replaces_an_endpoint_that_was_made_by_hand(site):
    by_hand = site.add_endpoint(URL)
    path = site.path()
    path.write_text(path.read_text() + f"test_webhook_secret = {by_hand['secret']}\n")
    site.autonomy.runtime.tenants.reload()
    site.webhook("rotate", "acme")
    (new,) = site.endpoints()
    assert new["id"] != by_hand["id"]
    assert site.written("test_webhook_secret") == new["secret"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("step", "times"), [("create_endpoint", 1), ("save", 1), ("delete_endpoint", 1), ("save", 2)]
)
def test_a_killed_rotation_is_finished_by_the_next_without_a_gap(
    site, rotated, monkeypatch, step, times, after
):
    owner = EndpointAdmin if step == "save" else at_stripe
    real, called = getattr(owner, step), []

    def killed(*arguments, **named):
        called.append(arguments)
        if len(called) < times:
            return real(*arguments, **named)
        if after:
            real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(owner, step, killed)
        site.webhook("rotate", "acme")
    site.autonomy.runtime.tenants.reload()
    answers = [site.answer_to(each["secret"]) for each in site.endpoints()]
    # Every event goes to each endpoint, so one of them that is taken is enough.
    assert 200 in answers
    site.webhook("rotate", "acme")
    (new,) = site.endpoints()
    assert (site.secret(), site.answer_to(new["secret"])) == (new["secret"], 200)
    assert (
        site.written("test_previous_webhook_secret")
        is site.written("test_previous_webhook_endpoint_id")
        is None
    )


@pytest.fixture
def silent_server():
    """An address at which deliveries wait for an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_both_secrets_are_valid_until_the_old_endpoint_is_empty(site, silent_server):
    site.webhook("create", "acme", "--server", silent_server)
    (old,) = site.endpoints()
    session = {"mode": "payment", "success_url": "https://acme.example/", "line_items": [LINE]}
    made = site.stripe().checkout.sessions.create(params=session)
    site.stripe().checkout.sessions.expire(made.id)
    assert "1 undelivered events" in site.webhook("rotate", "acme", status=1)
    assert [site.answer_to(each["secret"]) for each in site.endpoints()] == [200, 200]
    site.webhook("rotate", "acme", "--now")
    assert site.answer_to(old["secret"]) == 400


LINE = {"price_data": {"currency": "eur", "unit_amount": 900, "product_data": {"name": "x"}}, "quantity": 1}


def test_the_old_endpoint_stays_while_the_new_one_is_out_of_service(site, rotated, monkeypatch):
    real = EndpointAdmin.save

    def save(*arguments, **named):
        real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(EndpointAdmin, "save", save)
        site.webhook("rotate", "acme")
    site.stripe().webhook_endpoints.update(site.endpoints()[0]["id"], params={"disabled": True})
    assert "is not enabled at Stripe" in site.webhook("rotate", "acme", status=1)
    assert {rotated["id"]} < {each["id"] for each in site.endpoints()}


def test_organisations_of_one_account_rotate_a_shared_endpoint(site, rotated):
    site.begin("other")
    site.webhook("create", "other", "--share-with", "acme")
    assert (site.secret(name="other"), len(site.endpoints())) == (rotated["secret"], 1)
    said = site.webhook("rotate", "other")
    (new,) = site.endpoints()
    assert "other, acme" in said or "acme, other" in said
    assert new["url"] == URL
    for name in ("acme", "other"):
        assert (site.secret(name=name), site.written("test_webhook_endpoint_id", name)) == (
            new["secret"],
            new["id"],
        )
        assert site.written("test_previous_webhook_secret", name) is None
        assert [site.answer_to(each["secret"], name) for each in (new, rotated)] == [200, 400]


def test_a_killed_shared_rotation_is_finished_by_any_organisation(site, rotated, monkeypatch):
    site.begin("other")
    site.webhook("create", "other", "--share-with", "acme")
    real = EndpointAdmin.save

    def save(*arguments, **named):
        real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(EndpointAdmin, "save", save)
        site.webhook("rotate", "acme")
    # First the one that the URL does not name: what the other takes can then be handed on.
    assert site.written("test_previous_webhook_secret", "other")
    assert site.written("test_previous_webhook_secret", "acme") is None
    site.webhook("rotate", "acme")
    (new,) = site.endpoints()
    assert {site.secret(name=name) for name in ("acme", "other")} == {new["secret"]}


def test_only_organisations_of_one_account_can_share(site, rotated):
    site.begin("stranger", key="sk_test_stranger")
    assert "one Stripe account" in site.webhook("create", "stranger", "--share-with", "acme", status=1)
    site.begin("third")
    assert "has no endpoint" in site.webhook("create", "third", "--share-with", "stranger", status=1)
    assert site.written("test_webhook_secret", "stranger") is None


def test_list_shows_the_organisations_of_each_endpoint(site, rotated):
    by_hand = site.add_endpoint("https://elsewhere.example/")
    rows = {row["id"]: row for row in json.loads(site.webhook("list", "acme", "--json"))}
    assert rows[rotated["id"]]["organisations"] == ["acme"]
    assert rows[by_hand["id"]]["organisations"] == []
    assert URL in site.webhook("list", "acme")


def test_remove_deletes_the_endpoint_and_keeps_the_file_valid(site, rotated):
    said = site.webhook("remove", "acme", "--yes")
    assert "its secret stays" in said
    assert site.endpoints() == []
    assert site.autonomy.runtime.tenants.get("acme") is not None


def test_remove_deletes_the_keys_that_a_file_does_not_need(site, rotated):
    path = site.path()
    live = "environment = live\nsecret_key = sk_live_x\npublic_key = pk_live_x\nwebhook_secret = whsec_live\n"
    path.write_text(path.read_text().replace("environment = test\n", live))
    site.webhook("remove", "acme", "--environment", "test", "--yes")
    assert site.written("test_webhook_secret") is site.written("test_webhook_endpoint_id") is None
    assert list((site.directory / "secrets").iterdir()) == []


def test_remove_asks_for_confirmation(site, rotated):
    assert "Aborted" in site.webhook("remove", "acme", status=1)
    assert site.endpoints() == [rotated]


def test_only_an_unused_endpoint_is_removed_by_its_id(site, rotated):
    by_hand = site.add_endpoint("https://elsewhere.example/")
    site.begin("other")
    assert "is used by acme" in site.webhook("remove", "other", rotated["id"], "--yes", status=1)
    site.webhook("remove", "other", by_hand["id"], "--yes")
    assert [each["id"] for each in site.endpoints()] == [rotated["id"]]


def test_remove_keeps_a_shared_endpoint_for_the_others(site, rotated):
    site.begin("other")
    site.webhook("create", "other", "--share-with", "acme")
    assert "rotate other --server" in site.webhook("remove", "acme", "--yes", status=1)
    site.webhook("remove", "other", "--yes")
    assert [each["id"] for each in site.endpoints()] == [rotated["id"]]
    assert site.answer_to(rotated["secret"]) == 200
