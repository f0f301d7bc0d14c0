"""The plugin's resources in the tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource
from autonomy_core.plugin_api.security import Allow, Permission


class CustomerBonuses(Resource):
    """``…/customers/bonuses``: the bonuses of the customer. The ACL of `Customers` applies."""


class AdminBonuses(Resource):
    """``…/admin/bonuses``: all bonuses."""

    __acl__ = ((Allow, f"scope:{Permission.READ_PAYMENTS}", Permission.READ_PAYMENTS),)
