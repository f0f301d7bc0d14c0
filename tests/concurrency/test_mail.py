"""Workers and requests that use the outbox at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from autonomy_core.mail.delivery import claim
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.services import send

pytestmark = pytest.mark.concurrent

TO = "ada@example.org"


@pytest.fixture
def acme(committed):
    committed.organisation("acme")
    return committed


def test_two_workers_never_claim_the_same_mail(acme):
    with acme.scope() as scope:
        put = [send(scope, "mail.test", TO, {}) for _ in range(12)]

    def work(_):
        scope = acme.runtime.scope_outside(acme.get_organisation("acme"))
        return [claimed.mail.id for claimed in iter(lambda: claim(scope), None)]

    with ThreadPoolExecutor(4) as workers:
        claimed = [mail_id for found in workers.map(work, range(4)) for mail_id in found]
    assert sorted(claimed) == sorted(put)


def test_many_requests_with_one_key_put_one_mail_in(acme):
    def request(number):
        with acme.scope() as scope:
            send(scope, "mail.test", TO, {"number": number}, once="receipt:1")

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(request, range(8)))
    with acme.scope() as scope:
        assert len(scope.session.scalars(select(MailMessage)).all()) == 1
