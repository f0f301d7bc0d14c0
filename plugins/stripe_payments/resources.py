"""The plugin's places in the tree."""

from __future__ import annotations

from pyramid.decorator import reify

from autonomy_core.plugin_api.resources import Resource, WebhookProvider
from autonomy_core.plugin_api.scope import TenantScope


class StripeEndpoint(Resource):
    """``/api/webhook/stripe/{organisation_id}``"""

    @reify
    def scope(self) -> TenantScope:
        """In no transaction: an event is stored and handled in one of its own."""
        return self.request.runtime.scope_outside(self.organisation)


class StripeWebhooks(WebhookProvider):
    """``/api/webhook/stripe``"""

    endpoint = StripeEndpoint
    commits_itself = True


class Checkouts(Resource):
    """``…/api/v1/checkout``"""


class StripeCheckouts(Resource):
    """``…/api/v1/checkout/stripe``"""
