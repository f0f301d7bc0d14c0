"""The core's own pages in the resource tree."""

from __future__ import annotations

from autonomy_core.traversal.resources import Resource


class StyleGuide(Resource):
    """``/style-guide``"""
