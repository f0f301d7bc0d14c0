"""The plugin's places in the tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource, WebhookProvider


class StripeEndpoint(Resource):
    """``/api/webhook/stripe/{organisation_id}``"""


class StripeWebhooks(WebhookProvider):
    """``/api/webhook/stripe``"""

    endpoint = StripeEndpoint


class Checkouts(Resource):
    """``…/api/v1/checkout``"""


class StripeCheckouts(Resource):
    """``…/api/v1/checkout/stripe``"""
