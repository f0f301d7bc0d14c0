"""The check of an organisation's providers, for ``autonomy tenants check --online``."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy_core.plugin_api.checks import Finding, OrganisationCheck
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.providers.protocol import providers
from customer_auth.settings import PLUGIN

REMEDY = "compare the issuer and the hosts in providers with what the provider says, or wait for the provider"


def check_providers(scope: TenantScope) -> Iterator[Finding]:
    """Ask each provider for its description and its keys, as a login does."""
    protocol = providers(over_http=scope.server_settings(PLUGIN)["providers_over_http"])
    for provider in scope.settings(PLUGIN)["providers"].values():
        problem = protocol.problem_of(provider)
        if problem is None:
            yield Finding("provider", "info", f"{provider.issuer} describes itself", subject=provider.name)
        else:
            message = f"customers cannot log in at {provider.issuer}: {problem}"
            yield Finding("provider_failed", "error", message, REMEDY, provider.name)


CHECKS = (OrganisationCheck(f"{PLUGIN}.providers", check_providers),)
