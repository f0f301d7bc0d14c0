"""Find the source of an event by its stored name."""

from __future__ import annotations

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import WebhookSource


def source_named(scope: TenantScope, name: str) -> WebhookSource | None:
    """Return the source with a name, if the organisation has enabled its plugin."""
    return next((source for source in sources_of(scope) if source.name == name), None)


def sources_of(scope: TenantScope) -> list[WebhookSource]:
    """Return the sources of the organisation's plugins."""
    return [
        source for plugin, source in runtime_of(scope).webhook_sources if plugin in scope.organisation.plugins
    ]


def lists_undelivered(source: WebhookSource) -> bool:
    """Whether a source can list undelivered events, that is, has a `list_undelivered` of its own."""
    return getattr(source.list_undelivered, "__func__", None) is not WebhookSource.list_undelivered
