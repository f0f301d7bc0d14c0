"""What a plugin's models are made of."""

from __future__ import annotations

from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow, uuid7

__all__ = ["Base", "Identified", "OrganisationScoped", "tenant_key", "utcnow", "uuid7"]
