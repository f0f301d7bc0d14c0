"""The rules that the server's settings make for its organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autonomy_core.tenancy.claims import ServerHosts
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.settling import Rules

if TYPE_CHECKING:
    from autonomy_core.settings import Settings

RECORD = "tenants.sqlite3"
"""The file in the data directory that is `TenantRecord`'s."""


def rules_of(settings: Settings) -> Rules:
    """Return by what it is decided which organisations are in service, and which hosts they have."""
    return Rules(
        server=ServerHosts(settings.hosts, settings.default_organisation),
        record=TenantRecord(settings.data / RECORD, Sealing(settings.accepted_secrets)),
        losses_percent=settings.tenants_loss_limit,
    )
