"""What a plugin's migrations need."""

from __future__ import annotations

from pathlib import Path

from autonomy_core.db.base import Base
from autonomy_core.db.isolation import every_organisations_rows, isolate
from autonomy_core.db.migrations import Migrations

__all__ = ["Migrations", "every_organisations_rows", "isolate", "plugin_migrations"]


def plugin_migrations(plugin: str, directory: Path) -> Migrations:
    """A plugin's history: its tables begin with ``<plugin>_``, its versions are in ``<plugin>_alembic_version``.

    Args:
        plugin: the plugin's name.
        directory: where the migration files are.
    """
    return Migrations(
        component=plugin, directory=directory, metadata=Base.metadata, table_prefix=f"{plugin}_"
    )
