"""Grants, for plugins."""

from __future__ import annotations

from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import owned_products, owns

__all__ = ["Grant", "owned_products", "owns"]
