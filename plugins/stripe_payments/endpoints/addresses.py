"""The URLs of webhook endpoints."""

from __future__ import annotations

from urllib.parse import urlsplit

from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import Environment
from stripe_payments.settings import PLUGIN, keys_of

PATH = "/api/webhook/stripe/"

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class NoAddress(ValueError):
    """No host is known under which Stripe can reach the server. The message gives the remedy."""


def endpoint_url(scope: TenantScope, server: str | None = None) -> str:
    """Return the URL of an organisation's endpoint.

    Args:
        scope: the scope of the organisation.
        server: scheme and host, ``https://api.example.net``; by default the first declared host, with HTTPS.

    Raises:
        NoAddress: there is no host, or ``server`` is not a scheme with a host.
    """
    return f"{_checked(server) if server else _declared(scope)}{PATH}{scope.organisation.id}"


def _checked(server: str) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise NoAddress(
            f"{server!r} is not the URL of a server: give scheme and host, https://api.example.net"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _declared(scope: TenantScope) -> str:
    if not scope.hosts:
        raise NoAddress(
            "the host on which Stripe reaches the server is unknown: set hosts in the organisation's ini "
            "file or autonomy.hosts in the server's, or give the URL with --server"
        )
    host = scope.hosts[0]
    name = urlsplit(f"//{host}").hostname or ""
    scheme = "http" if name in LOOPBACK or name.endswith(".localhost") else "https"
    return f"{scheme}://{host}"


def organisation_in(url: str) -> str | None:
    """Return the organisation in an endpoint's URL; None if it is not a webhook of this software."""
    path = urlsplit(url).path
    return path.removeprefix(PATH) if path.startswith(PATH) and path.count("/") == PATH.count("/") else None


def objection_to(scope: TenantScope, environment: Environment, url: str) -> str | None:
    """Return what is wrong with an endpoint's URL for an organisation, or None."""
    parts = urlsplit(url)
    named = organisation_in(url)
    if named is None:
        return f"its path is not {PATH}{scope.organisation.id}"
    if named != scope.organisation.id and not _shares_with(scope, environment, named):
        return f"it is {named}'s, which does not have the same secret"
    if parts.scheme != "https" and environment == "live":
        return "it is not https"
    if scope.hosts and not {parts.netloc.lower(), parts.hostname} & set(scope.hosts):
        return f"its host is none of {', '.join(scope.hosts)}"
    return None


def _shares_with(scope: TenantScope, environment: Environment, organisation_id: str) -> bool:
    other = scope.other_organisation(organisation_id, PLUGIN)
    if other is None:
        return False
    theirs, ours = (keys_of(each.settings(PLUGIN), environment) for each in (other, scope))
    return any(secret in theirs.webhook_secrets for secret in ours.webhook_secrets)
