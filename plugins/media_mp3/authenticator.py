"""Recognises whoever comes by a signed link."""

from __future__ import annotations

import time

from pyramid.request import Request

from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Identity, link_identity, organisation_key, organisation_keys
from media_mp3 import links

PURPOSE = "media_mp3.link"


def link_key(scope: TenantScope) -> bytes:
    """The key with which the organisation's links are signed."""
    return organisation_key(scope, PURPOSE)


class LinkAuthenticator:
    """Recognises ``?expires=…&customer=…&signature=…``. It asks the database nothing."""

    def identify(self, request: Request) -> Identity | None:
        """The holder of a link to the path that is requested."""
        if "signature=" not in request.query_string:
            return None
        for key in organisation_keys(request.scope, PURPOSE):
            customer_id = links.listener(key, request.path, request.query_string, time.time())
            if customer_id is not None:
                return link_identity(request.organisation.id, customer_id, request.path)
        return None
