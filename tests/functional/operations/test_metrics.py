import pytest
from prometheus_client.parser import text_string_to_metric_families

from stripe_payments.testing import stripe_settings

HERE = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def count(autonomy):
    """The sum of all samples of a name whose labels contain the given ones."""

    def read(name, **labels):
        families = text_string_to_metric_families(autonomy.app.get("/metrics", extra_environ=HERE).text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    return read


def test_requests_are_counted_by_organisation_and_status(autonomy, count):
    autonomy.organisation("acme")
    about = {"method": "GET", "resource": "Products", "status": "200"}
    before = count("autonomy_http_requests_total", **about)
    of_acme = count("autonomy_organisation_requests_total", organisation="acme", status_class="2xx")
    for _ in range(3):
        autonomy.app.get("/acme/api/v1/products")
    assert count("autonomy_http_requests_total", **about) == before + 3
    assert count("autonomy_http_request_duration_seconds_count", resource="Products") >= 3
    assert (
        count("autonomy_organisation_requests_total", organisation="acme", status_class="2xx") == of_acme + 3
    )


def test_webhooks_are_counted_by_their_source(autonomy, count):
    autonomy.organisation(
        "acme", plugins=("stripe_payments",), settings={"stripe_payments": stripe_settings("acme")}
    )
    before = count("autonomy_http_requests_total", resource="StripeEndpoint", status="400")
    autonomy.app.post_json("/api/webhook/stripe/acme", {}, status=400)
    assert count("autonomy_http_requests_total", resource="StripeEndpoint", status="400") == before + 1


def test_unknown_paths_and_hosts_make_no_new_labels(autonomy):
    autonomy.organisation("acme")
    for invented in (
        "/acme/api/v1/invented1",
        "/invented2",
        "/acme/api/v1/products/invented3",
        "/health/invented4",
    ):
        autonomy.app.get(invented, status=404)
    autonomy.app.get("/acme/api/v1/products?invented5", headers={"Host": "invented6.example"}, status=422)
    assert "invented" not in autonomy.app.get("/metrics", extra_environ=HERE).text.lower()


def test_settled_payments_are_counted_by_their_labels(autonomy, count):
    autonomy.organisation("acme")
    labels = {"organisation": "acme", "environment": "test", "status": "completed"}
    before = count("autonomy_payments_settled_total", **labels)
    payment = autonomy.buy(autonomy.customer(), autonomy.product())
    autonomy.settle(payment)
    assert count("autonomy_payments_settled_total", **labels) == before + 1


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.9", {}),
        ("", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}),
    ],
)
def test_remote_and_proxied_requests_see_no_metrics(autonomy, address, headers):
    autonomy.app.get("/metrics", extra_environ={"REMOTE_ADDR": address}, headers=headers, status=404)


def test_metrics_can_be_made_public_by_a_setting(autonomy, monkeypatch):
    from dataclasses import replace

    public = replace(autonomy.runtime.settings, operations_public=True)
    monkeypatch.setattr(autonomy.app.app.registry, "_runtime", replace(autonomy.runtime, settings=public))
    autonomy.app.get("/metrics", extra_environ={"REMOTE_ADDR": "203.0.113.9"}, status=200)
