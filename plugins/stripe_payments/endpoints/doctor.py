"""``autonomy tenants check --online``: compares an organisation's keys and endpoints with Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autonomy_core.plugin_api.checks import Finding, OrganisationCheck
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.settings import PLUGIN, all_keys


def check_stripe(scope: TenantScope) -> Iterator[Finding]:
    """Check all environments for which the organisation has a key."""
    from stripe_payments.endpoints.examination import examine_environment  # noqa: PLC0415 - slow

    for keys in all_keys(scope.settings(PLUGIN)):
        if keys.secret_key is None:
            continue
        for finding in examine_environment(scope, keys):
            remedy = finding.remedy.replace("{organisation}", scope.organisation.id)
            yield replace(finding, subject=keys.environment, remedy=remedy)


def check_environment(scope: TenantScope) -> Iterator[Finding]:
    """Report live sales on a server that uses the simulator: they are impossible."""
    if scope.settings(PLUGIN)["environment"] == "live" and scope.server_settings(PLUGIN).get("api_base"):
        message = "the server talks to the simulator, which accepts no live payments: nothing can be bought"
        remedy = "remove stripe_payments.api_base from the server's ini file, or set environment to test"
        yield Finding("simulated", "error", message, remedy, subject="live")


CHECKS = (
    OrganisationCheck("stripe_payments.environment", check_environment, is_offline=True),
    OrganisationCheck("stripe_payments.stripe", check_stripe),
)
