"""The endpoints for operators in the resource tree, on every host."""

from __future__ import annotations

from autonomy_core.traversal.resources import Resource


class Health(Resource):
    """``/health``"""


class Metrics(Resource):
    """``/metrics``"""
