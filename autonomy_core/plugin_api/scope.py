"""`TenantScope`: one organisation, without access to any other."""

from __future__ import annotations

from autonomy_core.kernel.scope import Organisation, TenantScope

__all__ = [
    "Organisation",
    "TenantScope",
]
