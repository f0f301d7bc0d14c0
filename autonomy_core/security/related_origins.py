"""The document by which an organisation's hosts share passkeys.

A passkey belongs to one host. A browser that uses it for a page of another host asks the passkey's host for
this document.

Source: https://www.w3.org/TR/webauthn-3/#sctn-related-origins
"""

from __future__ import annotations

import json

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from autonomy_core.errors import NotFound
from autonomy_core.security.resources import WellKnown
from autonomy_core.tenancy.hosts import is_loopback
from autonomy_core.traversal.resources import Root


def related_origins(context: WellKnown, request: Request) -> Response:
    """``GET /.well-known/webauthn``

    Raises:
        NotFound: the host is no organisation's own. Organisations that share a host have no origin in common.
    """
    if request.organisation is None:
        raise NotFound
    origins = [f"https://{host}" for host in request.organisation.hosts if not is_loopback(host)]
    body = json.dumps({"origins": origins})
    return Response(body, content_type="application/json", charset="utf-8", cache_control="max-age=3600")


def includeme(config: Configurator) -> None:
    """Add the document."""
    config.add_child(Root, ".well-known", WellKnown)
    config.add_view(
        related_origins,
        context=WellKnown,
        name="webauthn",
        request_method="GET",
        permission=NO_PERMISSION_REQUIRED,
    )
