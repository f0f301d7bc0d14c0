"""Documents about an organisation's hosts in the resource tree."""

from __future__ import annotations

from autonomy_core.traversal.resources import Resource


class WellKnown(Resource):
    """``/.well-known``: documents about the organisation of the host (RFC 8615)."""
