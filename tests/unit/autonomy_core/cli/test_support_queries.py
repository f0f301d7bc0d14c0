"""Commands for support: find a payment, and the jobs that wait."""

import json
import re
from dataclasses import replace

import pytest
from sqlalchemy import text

from autonomy_core.cli.context import CliContext
from autonomy_core.customers.services import register_customer
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.purchasing import open_payment
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.payments.settlement import settle
from autonomy_core.runtime import make_runtime


@pytest.fixture
def acme(site):
    """Run a function in a committed transaction of an organisation."""
    runtime = make_runtime(CliContext(site.ini).raw_settings, site.plugins)
    yield lambda: runtime.transaction(runtime.tenants.get("acme"))
    runtime.close()


@pytest.fixture
def payment_id(acme):
    from autonomy_core.catalog.models import Product

    with acme() as scope:
        customer = register_customer(scope, "ada@example.org", "Ada")
        product = Product(
            organisation_id="acme", title="A thing", description="", kind="thing", amount=500, currency="eur"
        )
        scope.session.add(product)
        scope.session.flush()
        urls = ReturnUrls(*["https://acme.example/"] * 3)
        payment = open_payment(scope, customer.id, product.id, urls).payment
        expired = Settlement(payment.id, PaymentStatus.EXPIRED, "test", 500, "eur", "test")
        settle(scope, replace(expired, reason="too late"), provider=payment.provider)
        return str(payment.id)


def test_payments_are_listed_for_their_organisation_only(site, payment_id):
    (row,) = json.loads(site.run("payments", "list", "acme", "--json").stdout)
    assert (row["id"], row["status"], row["amount"]) == (payment_id, "expired", 500)
    assert site.run("payments", "list", "zenith").stdout == "no payments\n"
    assert payment_id in site.run("payments", "list", "acme").stdout


def test_a_payment_is_shown_with_its_hooks_and_grants(site, payment_id):
    shown = json.loads(site.run("payments", "show", "acme", payment_id, "--json").stdout)
    assert shown["payment"]["failure_reason"] == "too late"
    assert shown["hook_runs"] == shown["grants"] == []
    for_people = site.run("payments", "show", "acme", payment_id).stdout
    assert "it has granted nothing" in for_people


def test_every_time_is_rfc_3339_in_utc(site, payment_id):
    for_people = site.run("payments", "show", "acme", payment_id).stdout
    assert re.search(r"created_at +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", for_people)
    (row,) = json.loads(site.run("payments", "list", "acme", "--json").stdout)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["created_at"])


def test_a_payment_of_another_organisation_is_not_found(site, payment_id):
    result = site.run("payments", "show", "zenith", payment_id)
    assert result.exit_code == 1
    assert "has no payment" in result.stderr


def test_waiting_jobs_are_listed_by_name(site, acme):
    with acme() as scope:
        defer(scope, "payments.retry_completion_hook", plugin="stand_ins", payment_id="1")
    (row,) = json.loads(site.run("jobs", "list", "acme", "--json").stdout)
    assert (row["job"], row["status"]) == ("payments.retry_completion_hook", "todo")
    assert row["arguments"] == {"plugin": "stand_ins", "payment_id": "1"}
    assert site.run("jobs", "list", "zenith").stdout == "no jobs\n"
    assert "todo" in site.run("jobs", "list", "acme").stdout


@pytest.fixture
def job_id(site, acme):
    with acme() as scope:
        return defer(scope, "payments.retry_completion_hook", plugin="stand_ins", payment_id="1")


def test_a_job_is_due_at_once_when_it_is_retried(site, acme, job_id):
    with acme() as scope:
        given_up = "UPDATE procrastinate_jobs SET status = 'failed', attempts = 3"
        scope.session.execute(text(given_up))
    result = site.run("jobs", "retry", "acme", str(job_id))
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"job {job_id} (payments.retry_completion_hook) is due now" in result.stdout
    (row,) = json.loads(site.run("jobs", "list", "acme", "--json").stdout)
    assert (row["status"], row["attempts"], row["not_before"]) == ("todo", 3, None)


def test_cancelling_a_job_reports_and_removes_it(site, job_id):
    result = site.run("jobs", "cancel", "acme", str(job_id))
    assert result.exit_code == 0
    assert f"cancelled job {job_id}: payments.retry_completion_hook" in result.stdout
    assert '"payment_id": "1"' in result.stdout
    assert site.run("jobs", "list", "acme").stdout == "no jobs\n"


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_an_unknown_job_is_reported(site, job_id, verb):
    for organisation_id, number in (("acme", job_id + 1), ("zenith", job_id)):
        result = site.run("jobs", verb, organisation_id, str(number))
        assert result.exit_code == 1
        assert f"{organisation_id} has no unfinished job {number}" in result.stderr
