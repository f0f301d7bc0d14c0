"""The plugin's nodes in the tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource
from autonomy_core.plugin_api.security import Allow, Permission


class CustomerBonuses(Resource):
    """``…/customers/bonuses``: the bonuses of the customer who asks. `Customers` above says who may."""


class AdminBonuses(Resource):
    """``…/admin/bonuses``: everybody's bonuses."""

    __acl__ = ((Allow, f"scope:{Permission.READ_PAYMENTS}", Permission.READ_PAYMENTS),)
