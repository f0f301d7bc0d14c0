"""``autonomy tenants check --online``: compares an organisation's keys and endpoints with what Stripe has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autonomy_core.plugin_api.checks import Finding, OrganisationCheck
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.settings import PLUGIN, all_keys


def check_stripe(scope: TenantScope) -> Iterator[Finding]:
    """Everything about the environments that the organisation has a key for."""
    from stripe_payments.endpoints.examination import examine_environment  # noqa: PLC0415 - the SDK loads slowly

    for keys in all_keys(scope.settings(PLUGIN)):
        if keys.secret_key is None:
            continue
        for finding in examine_environment(scope, keys):
            remedy = finding.remedy.replace("{organisation}", scope.organisation.id)
            yield replace(finding, subject=keys.environment, remedy=remedy)


def check_environment(scope: TenantScope) -> Iterator[Finding]:
    """Nobody can buy in live from a server that talks to the simulator."""
    if scope.settings(PLUGIN)["environment"] == "live" and scope.server_settings(PLUGIN).get("api_base"):
        message = "the server talks to the simulator, which takes no live payments: nobody can buy"
        remedy = "take stripe_payments.api_base out of the server's ini file, or set environment to test"
        yield Finding("simulated", "error", message, remedy, subject="live")


CHECKS = (
    OrganisationCheck("stripe_payments.environment", check_environment, is_offline=True),
    OrganisationCheck("stripe_payments.stripe", check_stripe),
)
