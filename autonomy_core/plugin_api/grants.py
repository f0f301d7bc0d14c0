"""Grants, for plugins."""

from __future__ import annotations

from autonomy_core.grants.giving import give_as_plugin as give
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import environment_of, owned_products, owns

__all__ = ["Grant", "environment_of", "give", "owned_products", "owns"]
