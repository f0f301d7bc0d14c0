"""Which of Stripe's environments an organisation can be asked about."""

from __future__ import annotations

from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.settings import PLUGIN, all_keys


def usable_environments(scope: TenantScope) -> list[Environment]:
    """Return the environments for which `client_for` has a key, so that a search of all raises no alarm."""
    simulated = bool(scope.server_settings(PLUGIN).get("api_base"))
    return [
        keys.environment
        for keys in all_keys(scope.settings(PLUGIN))
        if keys.secret_key is not None and not (simulated and keys.environment == "live")
    ]
