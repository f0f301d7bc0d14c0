"""What the commands share: the ini file, and what is made from it when a command first asks."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from autonomy_core.cli.failures import Failure
from autonomy_core.cli.server_ini import read_ini

if TYPE_CHECKING:
    from autonomy_core.kernel.hooks import PluginSettings
    from autonomy_core.kernel.manager import Plugins
    from autonomy_core.kernel.runtime import Runtime
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.settings import Settings
    from autonomy_core.tenancy.domain import Organisation
    from autonomy_core.tenancy.editing import TenantEditor
    from autonomy_core.tenancy.loader import PluginSchemas
    from autonomy_core.tenancy.settling import Rules


DEFAULT_CONFIG = Path("development.ini")


@dataclass
class CliContext:
    """`click.Context.obj` of every command.

    Attributes:
        config: the server's ini file.
    """

    config: Path = DEFAULT_CONFIG

    @property
    def has_config(self) -> bool:
        """Whether there is an ini file, or at least one was named: false in a directory of something else."""
        return self.config != DEFAULT_CONFIG or self.config.is_file()

    @cached_property
    def raw_settings(self) -> dict[str, Any]:
        """The keys of ``[app:main]``.

        Raises:
            Failure: the file is missing or cannot be read.
        """
        return read_ini(self.config)

    @cached_property
    def plugins(self) -> Plugins:
        """The installed plugins."""
        return _loading().Plugins.from_entry_points()

    @cached_property
    def sound_plugins(self) -> tuple[Plugins, dict[str, str]]:
        """The installed plugins that can be loaded, and for each other one what is wrong with it."""
        # Those that were given are loaded.
        return (self.plugins, {}) if "plugins" in vars(self) else _loading().Plugins.sound()

    @cached_property
    def settings(self) -> Settings:
        """The server's settings, checked. From here on warnings are logged, in the configured format."""
        return self.read_settings()

    def read_settings(self, *, keep_secret: bool = True) -> Settings:
        """The same, for a command that may be refused: without `keep_secret` no secret is made where there is none."""
        return _loading().checked_settings(self.raw_settings, self._offered_settings, keep_secret=keep_secret)

    @cached_property
    def runtime(self) -> Runtime:
        """The collaborators of a server."""
        _ = self.settings  # which sets up logging
        made: Runtime = _loading().make_runtime(self.raw_settings, self.plugins)
        click.get_current_context().find_root().call_on_close(made.close)
        return made

    @property
    def tenants_directory(self) -> Path:
        """Where the organisations' files are."""
        return self.settings.tenants

    @property
    def plugin_schemas(self) -> PluginSchemas:
        """The schema of each plugin's section in an organisation's file."""
        return {name: offered.organisation for name, offered in self._offered_settings.items()}

    @cached_property
    def tenant_rules(self) -> Rules:
        """By what the server decides which organisations are in service, and which hosts they have."""
        return _loading().rules_of(self.settings)

    @property
    def tenant_editor(self) -> TenantEditor:
        """For changes in the organisations' files."""
        return _loading().TenantEditor(self.tenants_directory, self.plugin_schemas)

    @property
    def actor(self) -> str:
        """Who runs the command, for the audit."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):
            return f"cli:{os.getuid()}"

    def organisation(self, organisation_id: str) -> Organisation:
        """An organisation in service.

        Raises:
            Failure: there is none of this id.
        """
        found = self.runtime.tenants.get(organisation_id)
        if found is None:
            raise Failure(
                f"There is no organisation {organisation_id!r} in service; "
                "autonomy tenants list shows those there are, autonomy tenants check what is wrong with a file."
            )
        return found

    @contextmanager
    def records(self, organisation_id: str) -> Iterator[TenantScope]:
        """One organisation's rows, in a transaction that is committed at the end, whatever state its file is in.

        For commands that need nothing that the file says: without a usable file the scope's organisation has no plugins
        and no settings, and it is said on the standard error.

        Raises:
            Failure: there is neither a file nor a row of it.
        """
        organisation = self.runtime.tenants.get(organisation_id)
        if organisation is None:
            organisation = _loading().organisation_without_file(self.runtime, organisation_id)
            click.echo(f"{organisation_id} has no usable file: what plugins would tell is missing", err=True)
        with self.runtime.transaction(organisation) as scope:
            yield scope

    @contextmanager
    def transaction(self, organisation_id: str) -> Iterator[TenantScope]:
        """One organisation in service, in a transaction that is committed at the end.

        Raises:
            Failure: there is none of this id.
        """
        with self.runtime.transaction(self.organisation(organisation_id)) as scope:
            yield scope

    @cached_property
    def _offered_settings(self) -> dict[str, PluginSettings]:
        return _loading().offered_settings(self.plugins)


class FilePath(click.Path):
    """A path; an empty one, which would be the current directory, is a mistake such as a variable that is not set."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or end with a usage error."""
        if str(value) == "":
            self.fail("it is empty; name a file or a directory, or . for the current one", param, ctx)
        return super().convert(value, param, ctx)


class Identifier(click.ParamType):
    """The id of a key or a payment, a UUID."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """Return the UUID, or end with a usage error."""
        try:
            return UUID(str(value))
        except ValueError:
            # What is longer than an id may be an API key, pasted in its stead.
            subject = repr(value) if len(str(value)) <= len(_EXAMPLE) else "this"
            self.fail(f"{subject} is no id; one looks like {_EXAMPLE}", param, ctx)


def _loading() -> ModuleType:
    from autonomy_core.cli import loading  # noqa: PLC0415 - help needs no database and no web framework

    return loading


_EXAMPLE = "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"

pass_cli = click.make_pass_decorator(CliContext)
"""Decorator: give a command the `CliContext` as its first argument."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
"""Decorator: give a command the option ``--json``, as its argument ``as_json``."""
