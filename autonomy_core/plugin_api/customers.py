"""Customers, for plugins."""

from __future__ import annotations

from autonomy_core.customers.addresses import change_email, erasable_addresses, proven_address
from autonomy_core.customers.changing import change_customer, unsubscribe_url
from autonomy_core.customers.erasing import erase
from autonomy_core.customers.exporting import export
from autonomy_core.customers.logins import announce_login, announce_logins_ended, require_open_login
from autonomy_core.customers.merging import NotMergeable, merge
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import claim_guests, prove_address
from autonomy_core.customers.schemas import CustomerSchema, locale_field
from autonomy_core.customers.services import (
    EmailTaken,
    add_guest,
    find_customer,
    find_customer_by_email,
    is_account,
    is_current,
    lock_current,
    register_customer,
)
from autonomy_core.customers.staff.services import is_blocked
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.staff.services import revoke_keys_and_invitations

__all__ = [
    "Customer",
    "CustomerSchema",
    "EmailTaken",
    "NotMergeable",
    "PersonalData",
    "add_guest",
    "announce_login",
    "announce_logins_ended",
    "change_customer",
    "change_email",
    "claim_guests",
    "erasable_addresses",
    "erase",
    "export",
    "find_customer",
    "find_customer_by_email",
    "is_account",
    "is_blocked",
    "is_current",
    "locale_field",
    "lock_current",
    "merge",
    "prove_address",
    "proven_address",
    "register_customer",
    "require_open_login",
    "revoke_keys_and_invitations",
    "unsubscribe_url",
]
