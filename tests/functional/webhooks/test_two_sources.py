"""A plugin may have several sources of webhooks."""

import json
from types import ModuleType
from uuid import uuid4

import pytest
from sqlalchemy import select

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.jobs import TryAgain
from autonomy_core.plugin_api.settings import Secret
from autonomy_core.testing import stand_ins
from autonomy_core.webhooks.jobs import fetch_events, jobs_for
from autonomy_core.webhooks.models import WebhookEvent
from tests.functional.webhooks import postpay

SECRET = "secret of the shop"


class Letters(postpay.Extended):
    name = "letters"


class Parcels(postpay.Extended):
    name = "parcels"


@pytest.fixture(scope="module")
def sources():
    return Letters(), Parcels()


@pytest.fixture(scope="module")
def autonomy_plugins(sources):
    plugin = ModuleType(postpay.__name__)
    plugin.register_settings, plugin.register_payment_provider = (
        postpay.register_settings,
        postpay.register_payment_provider,
    )
    plugin.register_webhook_sources = hookimpl(lambda: sources, specname="register_webhook_sources")
    return Plugins({postpay.NAME: plugin, stand_ins.NAME: stand_ins})


@pytest.fixture
def shop(autonomy, sources):
    for source in sources:
        source.__init__()
    settings = {postpay.NAME: {"secret": SECRET}}
    autonomy.organisation("acme", plugins=(postpay.NAME, stand_ins.NAME), settings=settings)
    return autonomy


def event(**changes):
    return {"id": f"ev_{uuid4().hex}", "type": "letter.sent"} | changes


def stored(shop):
    with shop.scope("acme") as scope:
        return {row.source for row in scope.session.scalars(select(WebhookEvent))}


@pytest.mark.parametrize(("failure", "expected"), [(LookupError, LookupError), (Unavailable, TryAgain)])
def test_a_source_that_fails_keeps_no_other_from_fetching(shop, sources, monkeypatch, failure, expected):
    def fail(scope, since):
        raise failure

    monkeypatch.setattr(sources[0], "list_undelivered", fail)
    sources[1].undelivered = [event()]
    with shop.scope("acme") as scope, pytest.raises(expected):
        fetch_events(scope)
    assert stored(shop) == {"parcels"}


def test_each_source_of_a_plugin_has_its_call(shop):
    for name in ("letters", "parcels"):
        body = json.dumps(event()).encode()
        headers = {"Postpay-Signature": postpay.signature_of(body, Secret(SECRET))}
        assert shop.app.post(f"/api/webhook/{name}/acme", body, headers=headers).json["status"] == "ignored"
    assert stored(shop) == {"letters", "parcels"}


def test_events_are_fetched_only_where_a_source_lists_them(shop):
    (fetching,) = [job for job in shop.runtime.jobs if job.name == "webhooks.fetch_events"]
    assert (fetching.every, fetching.plugins) == (3600, {postpay.NAME})
    found = jobs_for([("quiet", postpay.PostpayEvents()), ("lister", postpay.Extended())])
    (fetching,) = [job for job in found if job.name == "webhooks.fetch_events"]
    assert fetching.plugins == {"lister"}
