"""The ``autonomy`` command on the application of a test, and the simulator's ledger of one account."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import requests
from click.testing import CliRunner

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from stripe_payments.testing import signed, stripe_event

INI = """\
# The shop of {name}.
[organisation]
name = {name}
hosts = {name}.example
currency = eur
plugins = stripe_payments, stand_ins

[stripe_payments]
environment = test
test_secret_key = {key}
test_public_key = pk_test_{name}
# Where Stripe's signatures are checked.
# test_webhook_secret =

# test_webhook_endpoint_id =
"""


@dataclass
class Site:
    """The application, with organisations whose files have no endpoint yet."""

    autonomy: object
    simulator: object

    def __post_init__(self):
        self.key = f"sk_test_{uuid4().hex}"

    @property
    def directory(self):
        return self.autonomy.runtime.settings.tenants

    def begin(self, name="acme", key=None):
        self.path(name).touch(mode=0o600)
        self.path(name).write_text(INI.format(name=name, key=key or self.key))
        return self.path(name)

    def path(self, name="acme"):
        return self.directory / f"{name}.ini"

    def written(self, key, name="acme"):
        """The value of a key in an organisation's file."""
        found = [line for line in self.path(name).read_text().splitlines() if line.startswith(f"{key} =")]
        return found[0].partition(" = ")[2] if found else None

    def secret(self, key="test_webhook_secret", name="acme"):
        text = self.written(key, name) or ""
        return (self.directory / text[5:]).read_text().strip() if text.startswith("file:") else text

    def run(self, *arguments, status=0):
        context = CliContext()
        runtime = self.autonomy.runtime
        context.plugins, context.settings, context._runtime = runtime.plugins, runtime.settings, runtime
        result = CliRunner().invoke(command, arguments, obj=context)
        assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
        runtime.tenants.reload()
        return result.output

    def webhook(self, *arguments, status=0):
        wait = ("--wait", "0") if arguments[0] == "rotate" else ()
        return self.run("stripe", "webhook", *arguments, *wait, status=status)

    def endpoints(self, key=None):
        """The account's endpoints at Stripe with their secrets, newest first."""
        from stripe_simulator.identifiers import account_of

        ledger = self.simulator.simulator.ledger
        return [record.body for record in ledger.find("endpoint", account_of(key or self.key))]

    def stripe(self, key=None):
        """Stripe's API with the key of the account, in place of the dashboard."""
        import stripe

        from stripe_payments.api.client import API_VERSION

        api = {"api": self.simulator.url}
        return stripe.StripeClient(key or self.key, base_addresses=api, stripe_version=API_VERSION).v1

    def add_endpoint(self, url, **changes):
        """An endpoint that was made by hand."""
        params = {"url": url, "enabled_events": ["charge.updated"], **changes}
        return self.stripe().webhook_endpoints.create(params=params).to_dict()

    def answer_to(self, secret, address="acme", event=None):
        """The status with which an event that was signed with a secret is answered."""
        body, headers = signed(event or stripe_event("charge.updated", {"livemode": False}), secret)
        path = f"/api/webhook/stripe/{address}"
        return self.autonomy.app.post(path, body, headers=headers, expect_errors=True).status_int

    def ledger(self):
        with requests.Session() as http:
            return http.get(f"{self.simulator.url}/_simulator/ledger", timeout=120).json()
