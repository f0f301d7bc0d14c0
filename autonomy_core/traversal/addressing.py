"""Which organisation a request is about. Decided once, from the URL alone, before anything is believed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pyramid.request import Request
from pyramid.traversal import traversal_path_info

from autonomy_core.errors import Malformed
from autonomy_core.traversal.resources import Webhooks, children_of

if TYPE_CHECKING:
    from autonomy_core.tenancy.domain import Organisation
    from autonomy_core.tenancy.registry import TenantRegistry


def organisation_of(request: Request) -> Organisation | None:
    """The organisation that the URL names, or None.

    An organisation's own host serves no other organisation's paths, so that one shop's pages cannot be used
    to act on another's. Webhooks alone may be posted to any host of the server.
    """
    tenants: TenantRegistry = request.runtime.tenants
    segments = _segments(request)
    match segments:
        case ["api", "webhook", _, organisation_id, *_]:
            return tenants.get(organisation_id)
        case ["api", *_]:
            return tenants.by_host(request.host) or _default(request)
        case [organisation_id, *_]:
            by_host = tenants.by_host(request.host)
            by_path = tenants.get(organisation_id)
            if by_host is not None and by_path is not None and by_host.id != by_path.id:
                return by_path if _is_default_host(request, by_host) else None
            return by_path
    return None


def commits_itself(request: Request) -> bool:
    """Whether the request is for a `WebhookProvider` whose views begin and end transactions of their own."""
    if not request.environ.get("PATH_INFO", "").startswith("/api/webhook/"):
        return False
    with suppress(Malformed):
        match _segments(request):
            case ["api", "webhook", provider, *_]:
                child = children_of(request.registry, Webhooks).get(provider)
                return child is not None and getattr(child.factory, "commits_itself", False)
    return False


def _default(request: Request) -> Organisation | None:
    default = request.runtime.settings.default_organisation
    return request.runtime.tenants.get(default) if default else None


def _is_default_host(request: Request, by_host: Organisation) -> bool:
    # A one-shop install's host, or a developer's localhost, is also where the other paths are reached.
    return by_host.id == request.runtime.settings.default_organisation


def _segments(request: Request) -> list[str]:
    try:
        return list(traversal_path_info(request.environ.get("PATH_INFO", "/")))
    except UnicodeDecodeError as error:
        raise Malformed("The path is not valid UTF-8.") from error
