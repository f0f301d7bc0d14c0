"""Valid and invalid requests, generated from the description of an organisation with every plugin."""

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from autonomy_core.files.uploads.domain import STREAM
from autonomy_core.testing import stand_ins
from tests.functional.openapi.serving import served

# Calls with rules that a schema cannot express: prices, the content of bundles, discounts of coupons, the
# amount or items of a refund, valid MP3s, accepted return URLs, weak passwords, reused Idempotency-Keys,
# valid addresses, solved proofs of work, begun logins, spans of days, codes that exist, cursors of an answer.
BEYOND_SCHEMA = [
    "/admin/coupons",
    "/admin/coupons/{coupon_id}",
    "/admin/payments/{payment_id}/refunds",
    "/admin/products",
    "/admin/products/{product_id}",
    "/admin/products/{product_id}/tracks",
    "/codes",
    "/customers/codes",
    "/customers/products/{product_id}/purchase",
    "/customers/email",
    "/customers/email/confirm",
    "/customers/email/undo",
    "/customers/email/verification",
    "/customers/email/verify",
    "/customers/library",
    "/customers/library-link",
    "/customers/password/forgotten",
    "/customers/password/reset",
    "/customers/sign-in",
    "/customers/sign-in/confirm",
    "/customers/register",
    "/customers/login",
    "/customers/logout",
    "/customers/refresh",
    "/customers/password",
    "/admin/customers/{customer_id}/block",
    "/admin/customers/{customer_id}/grants",
    "/admin/customers/{customer_id}/merge",
    "/admin/customers/{customer_id}/notes",
    "/admin/figures",
    "/admin/invitations",
    "/admin/mail",
    "/admin/mail/suppressions",
    "/customers/login/passkey",
    "/customers/login/passkey-options",
    "/customers/login/second-factor",
    "/customers/providers/finish",
    "/customers/providers/start",
    "/products",
    "/products/{product_id}/purchase",
]
UPLOADS = "/admin/uploads"
"""Its headers depend on each other, as the protocol of uploads has them."""

REFUSALS = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]

schemathesis.serializer.alias(STREAM, "application/octet-stream")

STRIPE = {
    "environment": "test",
    "test_secret_key": "sk_test_generated",
    "test_public_key": "pk_test_generated",
    "test_webhook_secret": "whsec_generated",
}

CONFIG = {
    "seed": 1,
    "cache": {"enabled": False},
    "generation": {"max-examples": 5, "database": "none"},
    "operations": [
        # The webhook's address is relative to the server and not to the API: its own tests are about it.
        {"include-path-regex": "^/api/webhook/", "enabled": False},
        *(
            {"include-path": path, "checks": {"positive_data_acceptance": {"expected-statuses": REFUSALS}}}
            for path in BEYOND_SCHEMA
        ),
        {
            "include-path": UPLOADS,
            "checks": {"positive_data_acceptance": {"expected-statuses": [*REFUSALS, "400", "412", "413"]}},
        },
    ],
}


def generated_findings(address, auth):
    config = SchemathesisConfig.from_dict({**CONFIG, "auth": {"openapi": auth}})
    schema = schemathesis.openapi.from_url(f"{address}/acme/api/v1/openapi.json", config=config)
    findings, cases = [], 0
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            findings.append(f"{event.label}: {event.info.format()}")
        if isinstance(event, ScenarioFinished):
            cases += len(event.recorder.cases)
            findings += failures_of(event.recorder)
    return findings, cases


def failures_of(recorder):
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                found = f"{recorder.label}: {check.name}: {failure.title} {failure.message}"
                yield f"{found}\n{check.failure_info.code_sample}"


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_generated_requests_get_answers_as_described(autonomy):
    # The first payment provider is the one that makes no call.
    plugins = sorted(autonomy.runtime.plugins.names, key=lambda name: name != stand_ins.NAME)
    autonomy.organisation(plugins=plugins, settings={"stripe_payments": STRIPE})
    registration = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}
    token = autonomy.app.post_json("/acme/api/v1/customers/register", registration).json["access_token"]
    for _ in range(3):
        autonomy.product()
    auth = {
        "customer": {"bearer": token},
        "staff": {"bearer": autonomy.as_staff()["Authorization"].removeprefix("Bearer ")},
    }
    with served(autonomy.app.app) as address:
        findings, cases = generated_findings(address, auth)
    assert cases > 100
    assert not findings, "\n\n".join(findings)
