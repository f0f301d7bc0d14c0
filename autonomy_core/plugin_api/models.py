"""Base classes and helpers for a plugin's models."""

from __future__ import annotations

# A plugin's tables refer to tables of the core by name, so all models of the core must be imported.
import autonomy_core.models  # noqa: F401
from autonomy_core.db.base import Base, Identified, OrganisationScoped, among, tenant_key, utcnow, uuid7

__all__ = ["Base", "Identified", "OrganisationScoped", "among", "tenant_key", "utcnow", "uuid7"]
