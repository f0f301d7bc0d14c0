"""`SignedLinks`: makes signed links, and authenticates the requests that come by them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from marshmallow import fields, validate
from pyramid.request import Request

from autonomy_core.fields import Identifier, NumberInText
from autonomy_core.files.links import signed_query, verified_customer
from autonomy_core.kernel.identity import Identity, link_identity
from autonomy_core.kernel.keys import organisation_key, organisation_keys
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.web.schemas import OpenQuery


class LinkQuery(OpenQuery):
    """The query string of a signed link. `SignedLinks` decides whether the link is valid."""

    expires = NumberInText(metadata={"description": "of a signed link: until when, in seconds since 1970"})
    customer = Identifier(metadata={"description": "of a signed link: for whom"})
    signature = fields.String(
        validate=validate.Regexp(r"^[A-Za-z0-9_-]{1,100}\Z"),
        metadata={"description": "of a signed link: over all of it"},
    )


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """The signed links of one purpose. ``<audio src>`` and ``<a href>`` send no Authorization header.

    Register it with ``register_authenticators``. A context grants its permission to the link of its own path:
    ``(Allow, f"link:{request.path}", Permission.LISTEN)``.

    Attributes:
        purpose: ``<plugin>.<what the links are for>``; the key is derived from it.
    """

    purpose: str

    def sign(self, scope: TenantScope, url: str, customer_id: UUID, *, seconds: int) -> str:
        """Make a URL into a link that opens it.

        Args:
            url: as ``request.resource_url`` makes it, without a query.
            customer_id: the customer that the link is for; the view still looks up what the customer owns.
            seconds: for how long the link is valid, from now.
        """
        # The path of the URL contains the prefix under which the application may be mounted.
        path, expires = urlsplit(url).path, int(time.time()) + seconds
        return f"{url}?{urlencode(signed_query(self.key(scope), path, customer_id, expires))}"

    def key(self, scope: TenantScope) -> bytes:
        """The key that signs the organisation's links."""
        return organisation_key(scope, self.purpose)

    def identify(self, scope: TenantScope, request: Request) -> Identity | None:
        """The holder of a link to the requested path. Asks the database nothing. See `Authenticator`."""
        if "signature=" not in request.query_string:
            return None
        for key in organisation_keys(scope, self.purpose):
            customer_id = verified_customer(key, request.path, request.query_string, time.time())
            if customer_id is not None:
                return link_identity(scope.organisation.id, customer_id, request.path)
        return None
