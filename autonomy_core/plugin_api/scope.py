"""`TenantScope`: one organisation, and nothing of any other."""

from __future__ import annotations

from autonomy_core.kernel.scope import Organisation, TenantScope

__all__ = [
    "Organisation",
    "TenantScope",
]
