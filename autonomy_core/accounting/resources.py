"""The ledger in the resource tree."""

from __future__ import annotations

from autonomy_core.payments.resources import AdminPayments
from autonomy_core.traversal.resources import Resource


class AdminFigures(Resource):
    """``…/admin/figures``"""

    __acl__ = AdminPayments.__acl__
