"""A handler of events works in the core's transaction, which it cannot end: no event is lost."""

import json
import sys
from contextlib import suppress
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.errors import AutonomyError
from autonomy_core.plugin_api.settings import Secret
from autonomy_core.testing import stand_ins
from autonomy_core.webhooks.models import WebhookEvent
from tests.functional.webhooks import postpay

# On a database of the test's own: what a commit or a rollback does is not seen within a test's own savepoint.
pytestmark = pytest.mark.concurrent

SECRET = "secret of the shop"


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({postpay.NAME: postpay, stand_ins.NAME: stand_ins})


def commits(scope):
    scope.session.commit()


def commits_in_sql(scope):
    scope.session.execute(text("COMMIT"))


def rolls_back(scope):
    scope.session.rollback()


def begins_another(scope):
    with scope.begin():
        pass


def leaves_the_process(scope):
    sys.exit(3)


def swallows_the_refusal(scope):
    with suppress(RuntimeError, AutonomyError):
        scope.session.commit()
    raise LookupError


UNRULY = [commits, commits_in_sql, rolls_back, begins_another, leaves_the_process, swallows_the_refusal]


@pytest.mark.parametrize("misbehave", UNRULY)
def test_an_event_of_an_unruly_handler_is_retried(committed, monkeypatch, misbehave):
    postpay.SOURCE.__init__()
    settings = {postpay.NAME: {"secret": SECRET}}
    committed.organisation("acme", plugins=(postpay.NAME, stand_ins.NAME), settings=settings)
    payment = committed.payment(committed.customer(), committed.product())
    event = {"id": f"ev_{uuid4().hex}", "type": "payment.received", "amount": 1200}
    body = json.dumps(event | {"payment": str(payment.id)}).encode()
    headers = {"Postpay-Signature": postpay.signature_of(body, Secret(SECRET))}

    def settle_and_misbehave(search, event_type, subject):
        postpay.PostpayEvents.handle(postpay.SOURCE, search, event_type, subject)
        misbehave(search.scope)

    with monkeypatch.context() as patched:
        patched.setattr(postpay.SOURCE, "handle", settle_and_misbehave, raising=False)
        answer = committed.app.post("/api/webhook/postpay/acme", body, headers=headers)
    assert answer.json["status"] == "failed"
    with committed.scope() as scope:
        assert scope.session.get_one(Payment, ("acme", payment.id)).status == "pending"
    assert [job["task_name"] for job in committed.jobs("acme")] == ["webhooks.handle_event"]
    assert committed.run_jobs("acme") == []
    with committed.scope() as scope:
        assert scope.session.get_one(Payment, ("acme", payment.id)).status == "completed"
        assert scope.session.scalars(select(WebhookEvent.status)).all() == ["processed"]
