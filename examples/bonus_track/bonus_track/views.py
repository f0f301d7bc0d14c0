"""Bonuses over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.plugin_api.security import Permission
from bonus_track import services
from bonus_track.models import Bonus
from bonus_track.resources import AdminBonuses, CustomerBonuses
from bonus_track.schemas import AdminBonusSchema, BonusSchema


@api_view(
    context=CustomerBonuses,
    method="GET",
    summary="List the bonuses that you were given",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(BonusSchema),
)
def list_own(context: CustomerBonuses, request: Request) -> dict[str, Any]:
    """The newest bonus comes first. Bonus products are also listed in ``customers/products``."""
    own = services.bonuses_of(context.scope, request.identity.id)
    return paginate(context.scope.session, own, Bonus.id, request.query)


@api_view(
    context=AdminBonuses,
    method="GET",
    summary="List all bonuses",
    permission=Permission.READ_PAYMENTS,
    query=PageQuery,
    returns=page_of(AdminBonusSchema),
)
def list_all(context: AdminBonuses, request: Request) -> dict[str, Any]:
    """The newest bonus comes first."""
    return paginate(context.scope.session, services.every_bonus(context.scope), Bonus.id, request.query)
