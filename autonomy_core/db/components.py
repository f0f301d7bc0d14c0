"""A component with tables: the core, or a plugin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import MetaData


@dataclass(frozen=True)
class Migrations:
    """The tables of one component and their revision files.

    Args:
        component: the name of the plugin, or ``autonomy_core``.
        directory: the directory of the revision files.
        metadata: the models' metadata, which all components share.
        table_prefix: the prefix of its tables' names; None for the core, whose tables have no prefix.
    """

    component: str
    directory: Path
    metadata: MetaData
    table_prefix: str | None

    @property
    def version_table(self) -> str:
        """The table that contains the component's current revision."""
        return f"{self.component}_alembic_version"

    @property
    def script(self) -> ScriptDirectory:
        """The revision files, as Alembic reads them."""
        return read_script(self.directory)


def read_script(directory: Path) -> ScriptDirectory:
    """Alembic's view of a directory of revision files. The template for new files is in this package."""
    return ScriptDirectory(
        Path(__file__).parent, version_locations=[directory], messaging_opts={"quiet": True}
    )
