"""What a plugin's models are made of."""

from __future__ import annotations

# A plugin's tables refer to the core's by name, and all of those refer to others.
import autonomy_core.models  # noqa: F401
from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow, uuid7

__all__ = ["Base", "Identified", "OrganisationScoped", "tenant_key", "utcnow", "uuid7"]
