"""The resources of the plugin in the traversal tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource


class Checkouts(Resource):
    """``…/api/v1/checkout``"""


class StripeCheckouts(Resource):
    """``…/api/v1/checkout/stripe``"""
