"""The context of all commands: the ini file, and the objects that are made from it on first use."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from autonomy_core.cli.failures import Failure
from autonomy_core.cli.server_ini import read_ini

if TYPE_CHECKING:
    from autonomy_core.kernel.hooks import PluginSettings
    from autonomy_core.kernel.mail import MailTemplate
    from autonomy_core.kernel.manager import Plugins
    from autonomy_core.kernel.runtime import Runtime
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.settings import Settings
    from autonomy_core.tenancy.domain import Organisation
    from autonomy_core.tenancy.editing import TenantEditor
    from autonomy_core.tenancy.loader import PluginSchemas
    from autonomy_core.tenancy.settling import Rules
    from autonomy_core.tenancy.texts import MailChecks


DEFAULT_CONFIG = Path("development.ini")


@dataclass
class CliContext:
    """The `click.Context.obj` of every command.

    Attributes:
        config: the server's ini file.
    """

    config: Path = DEFAULT_CONFIG

    @property
    def has_config(self) -> bool:
        """Whether the ini file exists or was named explicitly."""
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
        """The installed plugins that can be loaded, and the problem of each other plugin."""
        # Plugins that a test passed in are loaded already.
        return (self.plugins, {}) if "plugins" in vars(self) else _loading().Plugins.sound()

    @cached_property
    def settings(self) -> Settings:
        """The validated settings of the server.

        From here on warnings are logged, in the configured format.
        """
        return self.read_settings()

    def read_settings(self, *, keep_secret: bool = True) -> Settings:
        """Return the validated settings. With ``keep_secret=False`` a missing secret is not generated."""
        return _loading().checked_settings(self.raw_settings, self._offered_settings, keep_secret=keep_secret)

    @cached_property
    def _runtime(self) -> Runtime:
        """The runtime of a server process."""
        _ = self.settings  # sets up logging
        made: Runtime = _loading().make_runtime(self.raw_settings, self.plugins)
        click.get_current_context().find_root().call_on_close(made.close)
        return made

    @property
    def tenants_directory(self) -> Path:
        """The directory of the organisations' files."""
        return self.settings.tenants

    @property
    def plugin_schemas(self) -> PluginSchemas:
        """The schema of each plugin's section in an organisation's file."""
        return {name: offered.organisation for name, offered in self._offered_settings.items()}

    @cached_property
    def mail_templates(self) -> Mapping[str, MailTemplate]:
        """The kinds of mail of the core and of all installed plugins, by name."""
        return _loading().mail_templates_of(self.plugins)

    @cached_property
    def mail_checks(self) -> MailChecks:
        """What the organisations' files may say of mail."""
        checks: MailChecks = _loading().mail_checks_of(self.plugins, self.mail_templates)
        return checks

    @cached_property
    def tenant_rules(self) -> Rules:
        """The rules that decide which organisations are in service, and which hosts they have."""
        return _loading().rules_of(self.settings)

    @property
    def tenant_editor(self) -> TenantEditor:
        """An editor for the organisations' files."""
        return _loading().TenantEditor(self.tenants_directory, self.plugin_schemas, self.mail_checks)

    @property
    def actor(self) -> str:
        """The operating system's user, for the audit trail."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):
            return f"cli:{os.getuid()}"

    @property
    def organisation_ids(self) -> tuple[str, ...]:
        """The ids of the organisations in service."""
        return self._runtime.tenants.ids()

    def organisation(self, organisation_id: str) -> Organisation:
        """Return an organisation in service.

        Raises:
            Failure: no organisation with this id is in service.
        """
        found = self._runtime.tenants.get(organisation_id)
        if found is None:
            raise Failure(
                f"There is no organisation {organisation_id!r} in service; "
                "autonomy tenants list shows those there are, autonomy tenants check what is wrong with a "
                "file."
            )
        return found

    @contextmanager
    def records(self, organisation_id: str) -> Iterator[TenantScope]:
        """Open a transaction for an organisation's rows that commits at the end, even if its file is invalid.

        It is meant for commands that do not need the organisation's settings. Without a valid file the
        scope's organisation has no plugins and no settings, which is reported on standard error.

        Raises:
            Failure: the organisation has neither a file nor rows.
        """
        organisation = self._runtime.tenants.get(organisation_id)
        if organisation is None:
            organisation = _loading().organisation_without_file(self._runtime, organisation_id)
            click.echo(f"{organisation_id} has no usable file: information from plugins is missing", err=True)
        with self._runtime.transaction(organisation) as scope:
            yield scope

    @contextmanager
    def transaction(self, organisation_id: str) -> Iterator[TenantScope]:
        """Open a transaction for an organisation in service that commits at the end.

        Raises:
            Failure: no organisation with this id is in service.
        """
        with self._runtime.transaction(self.organisation(organisation_id)) as scope:
            yield scope

    def scope_of(self, organisation: Organisation) -> TenantScope:
        """An organisation's scope, in no transaction: begin one with ``scope.begin()``.

        Args:
            organisation: from `tenant_editor`, for example; it need not be in service.
        """
        return self._runtime.scope_outside(organisation)

    @cached_property
    def _offered_settings(self) -> dict[str, PluginSettings]:
        return _loading().offered_settings(self.plugins)


class FilePath(click.Path):
    """A path. An empty path, for example from an unset variable, is refused, because it would mean ``.``."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or raise a usage error."""
        if str(value) == "":
            self.fail("it is empty; name a file or a directory, or . for the current one", param, ctx)
        return super().convert(value, param, ctx)


def _loading() -> ModuleType:
    from autonomy_core.cli import loading  # noqa: PLC0415 - help needs no database and no web framework

    return loading


pass_cli = click.make_pass_decorator(CliContext)
"""Decorator: pass the `CliContext` to a command as its first argument."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
"""Decorator: add the option ``--json`` to a command, as its argument ``as_json``."""
