"""Which organisation a request is about. Decided once, from the URL alone, before anything is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyramid.request import Request
from pyramid.traversal import traversal_path_info

from autonomy_core.errors import Malformed, OrganisationUnavailable

if TYPE_CHECKING:
    from autonomy_core.tenancy.domain import Organisation
    from autonomy_core.tenancy.registry import TenantRegistry

TRY_AGAIN = {"retry_after": 60}
"""Until an admin has mended the file. Payment providers try again for days."""


def organisation_of(request: Request) -> Organisation | None:
    """The organisation that the URL names, or None.

    An organisation's own host serves no other organisation's paths, so that one shop's pages cannot be used
    to act on another's. Webhooks alone may be posted to any host of the server.

    Raises:
        OrganisationUnavailable: it is known, and cannot be served now.
    """
    tenants: TenantRegistry = request.runtime.tenants
    segments = _segments(request)
    match segments:
        case ["api", "webhook", _, organisation_id, *_]:
            return _by_id(tenants, organisation_id)
        case ["api", *_]:
            by_host = tenants.by_host(request.host)
            if by_host is None and tenants.is_known_host(request.host):
                raise OrganisationUnavailable(extra=TRY_AGAIN)
            return by_host or _default(request)
        case [organisation_id, *_]:
            by_host = tenants.by_host(request.host)
            by_path = _by_id(tenants, organisation_id)
            if by_host is not None and by_path is not None and by_host.id != by_path.id:
                return by_path if _is_default_host(request, by_host) else None
            return by_path
    return None


def _by_id(tenants: TenantRegistry, organisation_id: str) -> Organisation | None:
    organisation = tenants.get(organisation_id)
    if organisation is None and tenants.is_known(organisation_id):
        # Not 404, after which a payment provider may never tell its news again.
        raise OrganisationUnavailable(extra=TRY_AGAIN)
    return organisation


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
