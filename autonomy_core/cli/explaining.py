"""Turns known errors into one message and an exit status. Any other error is a bug."""

from __future__ import annotations

from pathlib import Path

import psycopg
from pyramid.exceptions import ConfigurationError
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.backup.domain import BackupError
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.server_ini import line_of
from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.db.migrations import MigrationError
from autonomy_core.db.outages import explain_outage
from autonomy_core.db.probe import NoAnswer
from autonomy_core.db.roles import UnsafeRole
from autonomy_core.errors import AutonomyError
from autonomy_core.kernel.manager import PluginError
from autonomy_core.settings_schema import SettingsError
from autonomy_core.tenancy.editing import EditError
from autonomy_core.tenancy.record_file import RecordUnusable


def failure_for(error: Exception, config: Path) -> Failure | None:
    """Return the message for a known error, None for any other.

    Args:
        error: the error.
        config: the server's ini file.
    """
    if isinstance(error, SettingsError):
        return _refused_settings(error, config)
    if isinstance(error, PluginError | ConfigurationError):
        return Failure(str(error), exit_code=2)
    expected = (
        BackupError,
        MigrationError,
        UnsafeRole,
        EmbeddedServerError,
        AutonomyError,
        EditError,
        RecordUnusable,
    )
    if isinstance(error, expected):
        return Failure(str(error))
    if isinstance(error, SQLAlchemyError | psycopg.Error | NoAnswer):
        return Failure(f"The database operation failed: {explain_outage(error)}")
    return _missing_file(error)


def _refused_settings(error: SettingsError, config: Path) -> Failure:
    lines = (f"{config}:{line_of(config, key)}: {key}: {text}" for key, text in error.problems)
    return Failure("\n".join(lines), exit_code=2)


def _missing_file(error: Exception) -> Failure | None:
    """Return a message for an error of the operating system about a file or directory."""
    # An OSError without a file name is a bug.
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}")
    return None
