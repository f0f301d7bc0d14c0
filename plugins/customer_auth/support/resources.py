"""Support in the resource tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import OfAdminCustomer


class AdminCustomerSessions(OfAdminCustomer):
    """``…/admin/customers/{customer_id}/sessions``"""
