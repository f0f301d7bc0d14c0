"""Errors that have an explanation become one message and an exit status; all others are bugs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autonomy_core.settings import SettingsError


class Failure(click.ClickException):
    """One message on the standard error.

    Args:
        message: what is wrong, and what to do.
        exit_code: 2 for what has to be put right in a file or on the command line, otherwise 1.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]


def failure_for(error: Exception, config: Path) -> Failure | None:
    """The explanation of an error, or None if it has none.

    Args:
        config: the server's ini file.
    """
    # Here, because most commands fail at nothing.
    import psycopg
    from pyramid.exceptions import ConfigurationError
    from sqlalchemy.exc import SQLAlchemyError

    from autonomy_core.backup.domain import BackupError
    from autonomy_core.db.embedded import EmbeddedServerError
    from autonomy_core.db.migrations import MigrationError
    from autonomy_core.db.probe import NoAnswer
    from autonomy_core.db.roles import UnsafeRole
    from autonomy_core.errors import AutonomyError
    from autonomy_core.kernel.manager import PluginError
    from autonomy_core.settings import SettingsError
    from autonomy_core.tenancy.editing import EditError
    from autonomy_core.tenancy.record_file import RecordUnusable

    if isinstance(error, SettingsError):
        return _refused_settings(error, config)
    if isinstance(error, PluginError | ConfigurationError):
        return Failure(str(error), exit_code=2)
    told = (
        BackupError,
        MigrationError,
        UnsafeRole,
        EmbeddedServerError,
        AutonomyError,
        EditError,
        RecordUnusable,
    )
    if isinstance(error, told):
        return Failure(str(error))
    if isinstance(error, SQLAlchemyError | psycopg.Error | NoAnswer):
        from autonomy_core.db.outages import explain_outage

        return Failure(f"The database does not do what is asked: {explain_outage(error)}")
    return _not_given(error)


def _refused_settings(error: SettingsError, config: Path) -> Failure:
    from autonomy_core.cli.server_ini import line_of

    lines = (f"{config}:{line_of(config, key)}: {key}: {text}" for key, text in error.problems)
    return Failure("\n".join(lines), exit_code=2)


def _not_given(error: Exception) -> Failure | None:
    """Of what the machine does not give as it is needed."""
    # A file or directory. Without a name it is none, and a bug.
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}")
    return None
