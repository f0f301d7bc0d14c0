"""Determines the organisation of a request, once and from the URL only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyramid.request import Request
from pyramid.traversal import traversal_path_info

from autonomy_core.errors import Malformed, OrganisationUnavailable
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.tenancy.domain import RESERVED_IDS

if TYPE_CHECKING:
    from autonomy_core.tenancy.domain import Organisation
    from autonomy_core.tenancy.registry import TenantRegistry

TRY_AGAIN = {"retry_after": 60}
"""The time until a retry, in seconds: an admin must correct the file first. Providers retry for days."""


OF_MACHINES = frozenset({".well-known", "api", "rest"})
"""First segments of paths that programs request. All other paths of an organisation are pages."""


def organisation_of(request: Request) -> Organisation | None:
    """The organisation that the URL names, or None.

    An organisation's host does not serve paths of other organisations, so that pages of one shop cannot act
    on another one. Only webhooks may be sent to any host of the server.

    Raises:
        OrganisationUnavailable: the organisation exists, but cannot be served now.
    """
    tenants: TenantRegistry = runtime_of(request.registry).tenants
    segments = _segments(request)
    match segments:
        case ["api", "webhook", _, organisation_id, *_]:
            return _by_id(tenants, organisation_id)
        case [".well-known", *_]:
            # Not the default organisation: the document is about the host, which may be shared.
            return tenants.by_host(request.host)
        case ["api" | "rest", *_]:
            return _by_host(tenants, request) or _default(request)
        case [first, *_] if first in RESERVED_IDS:
            return None
        case [organisation_id, *_]:
            return _of_page(tenants, request, organisation_id)
    return _by_host(tenants, request)


def is_page(request: Request) -> bool:
    """Whether the path is that of a page of an organisation, and not of its API or of the server.

    It depends on the path only, so that it is known before anything is read or authenticated.
    """
    match _segments(request):
        case [first, *rest] if first not in RESERVED_IDS:
            inside = rest[0] if rest and first == _id_of_organisation(request, first) else first
            return inside not in OF_MACHINES
        case []:
            return True
    return False


def _id_of_organisation(request: Request, first: str) -> str | None:
    try:
        organisation = request.organisation
    except OrganisationUnavailable:
        return first
    return organisation.id if organisation else None


def _of_page(tenants: TenantRegistry, request: Request, first: str) -> Organisation | None:
    """The organisation of a path whose first segment is its id, or a page of the host's organisation.

    The default organisation does not have the pages of unknown hosts: pages are cached and linked by host.
    """
    by_host = tenants.by_host(request.host)
    if by_host is not None and not _is_default_host(request, by_host):
        return by_host
    return _by_id(tenants, first) or _by_host(tenants, request)


def _by_host(tenants: TenantRegistry, request: Request) -> Organisation | None:
    by_host = tenants.by_host(request.host)
    if by_host is None and tenants.is_known_host(request.host):
        raise OrganisationUnavailable(extra=TRY_AGAIN)
    return by_host


def _by_id(tenants: TenantRegistry, organisation_id: str) -> Organisation | None:
    organisation = tenants.get(organisation_id)
    if organisation is None and tenants.is_known(organisation_id):
        # Not 404: a payment provider may stop sending an event after a 404.
        raise OrganisationUnavailable(extra=TRY_AGAIN)
    return organisation


def _default(request: Request) -> Organisation | None:
    default = runtime_of(request.registry).settings.default_organisation
    return runtime_of(request.registry).tenants.get(default) if default else None


def _is_default_host(request: Request, by_host: Organisation) -> bool:
    # The host of the default organisation, for example localhost, also serves paths of other organisations.
    return by_host.id == runtime_of(request.registry).settings.default_organisation


def _segments(request: Request) -> list[str]:
    try:
        return list(traversal_path_info(request.environ.get("PATH_INFO", "/")))
    except UnicodeDecodeError as error:
        raise Malformed("The path is not valid UTF-8.") from error
