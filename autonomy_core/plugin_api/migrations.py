"""Helpers for a plugin's migrations."""

from __future__ import annotations

from autonomy_core.db.isolation import every_organisations_rows, isolate
from autonomy_core.db.migrations import Migrations, plugin_migrations

__all__ = ["Migrations", "every_organisations_rows", "isolate", "plugin_migrations"]
