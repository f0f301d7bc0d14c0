"""The history and the positions of a customer in the resource tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource


class History(Resource):
    """``…/customers/history``"""


class Positions(Resource):
    """``…/customers/positions``"""
