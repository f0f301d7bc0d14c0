"""Errors that have an explanation become one message and an exit status; all others are bugs."""

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
from autonomy_core.settings import SettingsError
from autonomy_core.tenancy.editing import EditError
from autonomy_core.tenancy.record_file import RecordUnusable


def failure_for(error: Exception, config: Path) -> Failure | None:
    """The explanation of an error, or None if it has none.

    Args:
        config: the server's ini file.
    """
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
        return Failure(f"The database does not do what is asked: {explain_outage(error)}")
    return _not_given(error)


def _refused_settings(error: SettingsError, config: Path) -> Failure:
    lines = (f"{config}:{line_of(config, key)}: {key}: {text}" for key, text in error.problems)
    return Failure("\n".join(lines), exit_code=2)


def _not_given(error: Exception) -> Failure | None:
    """Of what the machine does not give as it is needed."""
    # A file or directory. Without a name it is none, and a bug.
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}")
    return None
