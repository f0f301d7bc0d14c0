"""The processes of a restored copy do not call Stripe until the copy is activated."""

from __future__ import annotations

import socketserver
import threading
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.checks import check_later
from autonomy_core.payments.purchasing import open_payment
from autonomy_core.payments.refunds import request_refund
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.payments.settlement import settle
from stripe_payments.models import StripePayment
from tests.functional.backup.originals import an_original
from tests.functional.backup.place import signed_event
from tests.support.server_processes import processes, wait_for

pytestmark = pytest.mark.processes

API = "/harbour/api/v1"
WAITING_JOBS = "SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND attempts = 0 ORDER BY id"


class Recorder(socketserver.ThreadingTCPServer):
    """A proxy that records the requested server and closes the connection.

    Live keys lead to Stripe itself and to no simulator, so that a call is seen on its way.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.asked = []
        super().__init__(("127.0.0.1", 0), Asked)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Asked(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.asked.append(self.rfile.readline().decode().strip())


@pytest.fixture
def proxy():
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever)
        thread.start()
        yield recorder
        recorder.shutdown()
        thread.join()


def sell_live(scope, *, is_paid):
    """A live payment that Stripe knows, with the job that asks about it or gives it back."""
    customer = scope.session.scalars(select(Customer)).one()
    product = scope.session.scalars(select(Product)).one()
    urls = ReturnUrls(*["http://localhost/"] * 3)
    payment = open_payment(scope, customer.id, product.id, urls).payment
    row = scope.session.get_one(StripePayment, (scope.organisation.id, payment.id))
    row.session_id, row.payment_intent_id = f"cs_live_{payment.id.hex}", f"pi_{payment.id.hex}"
    if not is_paid:
        check_later(scope, payment.id)
        return
    facts = {"environment": "live", "amount": payment.amount, "currency": payment.currency, "source": "test"}
    paid = Settlement(payment_id=payment.id, status=PaymentStatus.COMPLETED, **facts)
    settle(scope, paid, provider="stripe_payments")
    request_refund(scope, payment.id, None, "a scratch", actor="test")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A shop for this test, which changes it."""
    with an_original(tmp_path_factory) as place:
        yield place


@pytest.fixture
def busy(original):
    """The original, with live payments in the middle of everything, and a worker that is away."""
    runtime = original.runtime()
    for name, is_paid in (("harbour", False), ("nightjar", True)):
        with runtime.transaction(runtime.tenants.get(name)) as scope:
            sell_live(scope, is_paid=is_paid)
            defer(scope, "webhooks.fetch_events")
    runtime.close()
    original.sql("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")
    original.sql(f"UPDATE payments SET created_at = created_at - '{timedelta(days=2)}'::interval")
    return original


def events(log):
    return [word for word in ("worker.waiting", "worker.started") if word in log]


def test_a_copys_processes_do_not_call_stripe_until_activation(busy, backup, elsewhere, proxy):
    with processes(elsewhere.ini, HTTPS_PROXY=proxy.url, HTTP_PROXY=proxy.url, NO_PROXY="") as running:
        # The worker starts before the restoration, during which it must not take a job.
        elsewhere.server.ensure_running()
        running.start("worker", "worker")
        wait_for(lambda: "worker.waiting" in running.told_by("worker"), "the worker")
        elsewhere.succeed("restore", backup)
        jobs = elsewhere.sql(WAITING_JOBS)
        assert len(jobs) >= 4
        wait_for(lambda: "restored copy" in running.told_by("worker"), "the worker to notice")
        running.start("server", "serve", "--port", "0", "--workers", "1")
        line = wait_for(lambda: first_line(running.told_by("server")), "the server")
        buy_and_be_told_live(line.rpartition(" ")[2])
        assert events(running.told_by("worker")) == ["worker.waiting"]
        # The purchase has added jobs of its own.
        assert elsewhere.sql(WAITING_JOBS)[: len(jobs)] == jobs
        assert proxy.asked == []

        assert elsewhere.succeed("restore", "--activate").stdout == "The copy is activated.\n"
        wait_for(lambda: "worker.started" in running.told_by("worker"), "the worker to begin")
        wait_for(lambda: proxy.asked, "a call to Stripe")
    assert {line.split()[1] for line in proxy.asked} == {"api.stripe.com:443"}


def first_line(log):
    return next((line for line in log.splitlines() if line.startswith("Autonomy Server on ")), None)


def buy_and_be_told_live(server):
    """Requests of a customer and of Stripe to a server that is a copy."""
    with requests.Session() as http:
        http.trust_env = False
        http.headers["Host"] = "localhost"
        wait_for(lambda: is_live(http, server), "an answer")
        login = {"email": "ada@example.org", "password": "a long engine"}
        token = http.post(f"{server}{API}/customers/login", json=login).json()["access_token"]
        (product,) = http.get(f"{server}{API}/products").json()["items"]
        urls = {"success_url": "http://localhost/thanks", "cancel_url": "http://localhost/"}
        bought = http.post(
            f"{server}{API}/customers/products/{product['id']}/purchase",
            json=urls,
            headers={"Authorization": f"Bearer {token}"},
        )
        assert (bought.status_code, bought.json()["code"]) == (503, "restored_copy")
        body, headers = signed_event("harbour", "live")
        told = http.post(f"{server}/api/webhook/stripe/harbour", data=body, headers=headers)
        assert (told.status_code, told.json()["code"]) == (503, "restored_copy")


def is_live(http, server):
    try:
        return http.get(f"{server}/health/live").ok
    except requests.ConnectionError:
        return False
