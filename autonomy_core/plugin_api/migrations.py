"""Helpers for a plugin's migrations."""

from __future__ import annotations

from autonomy_core.db.catalogue import add_to_catalogue, remove_from_catalogue
from autonomy_core.db.components import Migrations
from autonomy_core.db.isolation import every_organisations_rows, isolate
from autonomy_core.db.migrations import plugin_migrations

__all__ = [
    "Migrations",
    "add_to_catalogue",
    "every_organisations_rows",
    "isolate",
    "plugin_migrations",
    "remove_from_catalogue",
]
