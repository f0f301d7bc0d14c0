"""What a plugin adds to the server: settings, tables, views, scopes, jobs, commands, checks, files."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import PluginSettings, hookspec

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

    from autonomy_core.db.components import Migrations
    from autonomy_core.kernel.checks import OrganisationCheck
    from autonomy_core.kernel.files import StoredFiles
    from autonomy_core.kernel.identity import Scope
    from autonomy_core.kernel.jobs import Job
    from autonomy_core.kernel.protocols import Flush


@hookspec
def register_settings() -> PluginSettings:
    """The schemas of the plugin's settings.

    Fires: at start-up, before any organisation's ini file is read. Transaction: none. Raising: the process
    does not start. Twice: once per process.

    Example:
        >>> from marshmallow import fields
        >>> from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
        >>> from autonomy_core.plugin_api.settings import SettingsSchema
        >>> class BonusSettings(SettingsSchema):
        ...     product_id = fields.UUID(required=True, metadata={"description": "the bonus product"})
        >>> @hookimpl
        ... def register_settings():
        ...     return PluginSettings(organisation=BonusSettings)
    """


@hookspec
def register_migrations() -> Migrations:
    """The plugin's own Alembic history. The implementation must import the plugin's models.

    The plugin's tables are named ``<plugin>_…``, its version table ``<plugin>_alembic_version``. So
    installing, upgrading and removing a plugin does not affect the others.

    Fires: at start-up, and when migrations run. Transaction: none. Raising: the process does not start.
    Twice: yes, and it must return the same each time.

    Example:
        >>> from pathlib import Path
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.migrations import plugin_migrations
        >>> @hookimpl
        ... def register_migrations():
        ...     return plugin_migrations("bonus_track", Path("bonus_track/migrations"))
        >>> register_migrations().component
        'bonus_track'
    """


@hookspec
def register_views(config: Configurator) -> None:
    """Register views, and add children to the resource tree.

    The configurator belongs to the plugin's package. For organisations that have not enabled the plugin,
    views registered with it do not exist (404). Subscribers, tweens, routes and request methods would apply
    to all organisations, so the contract tests reject them.

    Args:
        config: use ``config.scan("<package>.views")`` and ``config.add_child(Parent, name, Factory)``.

    Fires: at start-up, during Pyramid's configuration. Transaction: none. Raising: the process does not
    start. Two plugins that register the same name in the tree are a conflict. Twice: once per application.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.resources import Customers, Resource
        >>> class Bonuses(Resource):
        ...     '''/customers/bonuses'''
        >>> @hookimpl
        ... def register_views(config):
        ...     config.add_child(Customers, "bonuses", Bonuses)
    """


@hookspec
def register_scopes() -> Sequence[Scope]:
    """The plugin's own scopes for API keys, in addition to the core's scopes for catalog and payments.

    A view requires a scope with ``permission="<plugin>.<what>"``, which the context's ``__acl__`` grants to
    ``scope:<plugin>.<what>``. ``autonomy keys issue`` accepts the scope if the plugin is installed.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.resources import Resource
        >>> from autonomy_core.plugin_api.security import Allow, Scope
        >>> @hookimpl
        ... def register_scopes():
        ...     return [Scope("bonus_track.read", "see the bonuses that were given")]
        >>> class AdminBonuses(Resource):
        ...     __acl__ = ((Allow, "scope:bonus_track.read", "bonus_track.read"),)
    """


@hookspec
def register_jobs() -> Sequence[Job]:
    """Jobs that the worker runs for one organisation at a time, after they were deferred or periodically.

    Fires: at start-up. Transaction: none; each run of a job has its own. Raising: the process does not start.
    Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.jobs import Job
        >>> def send_thanks(scope, customer_id): ...
        >>> def send_newsletter(scope): ...
        >>> @hookimpl
        ... def register_jobs():
        ...     newsletter = Job("bonus_track.send_newsletter", send_newsletter, every=7 * 24 * 3600)
        ...     return [Job("bonus_track.send_thanks", send_thanks), newsletter]
    """


@hookspec
def register_commands() -> Sequence[click.Command]:
    """Commands of the ``autonomy`` command line.

    Fires: when the command line starts. Transaction: none. Raising: the command line does not start.
    Twice: once per process.

    Example:
        >>> import click
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @click.command()
        ... def bonus(): "Look after bonus tracks."
        >>> @hookimpl
        ... def register_commands():
        ...     return [bonus]
    """


@hookspec
def register_checks() -> Sequence[OrganisationCheck]:
    """Checks of an organisation that its ini file alone does not allow, for example whether an API key works.

    ``autonomy tenants check --online`` runs them for organisations that have enabled the plugin, several at
    once, and stores the findings for ``/health/ready``, which runs none. Checks with ``is_offline`` run in
    every ``autonomy tenants check``, and in ``autonomy tenants apply``, where an error rejects the draft.

    Fires: at start-up. Transaction: none; each run of a check has its own. Raising: the process does not
    start; a check that raises is a finding. Twice: once per process; a check runs whenever it is requested.

    Example:
        >>> from autonomy_core.plugin_api.checks import Finding, OrganisationCheck
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> def check_stock(scope):
        ...     if not scope.settings("bonus_track"):
        ...         yield Finding("no_bonus", "warning", "no bonus is set", "set product_id")
        >>> @hookimpl
        ... def register_checks():
        ...     return [OrganisationCheck("bonus_track.stock", check_stock)]
    """


@hookspec
def register_flushes() -> Sequence[Flush]:
    """Data that the plugin collects in memory, such as counters, and writes to the database periodically.

    Use it for events that are too frequent for a transaction each, or whose frequency attackers control.

    Fires: at start-up. Transaction: none; a thread of each server process writes every few seconds, in one
    transaction per organisation. Raising: the process does not start; writing that raises is retried. Twice:
    once per process. If a process is killed, the data since its last write is lost.

    Example:
        >>> from collections import Counter
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Plays:
        ...     name = "bonus_track.plays"
        ...     counted = Counter()
        ...     def waiting(self): return tuple(self.counted)
        ...     def write(self, scope): print(self.counted.pop(scope.organisation.id))
        >>> @hookimpl
        ... def register_flushes():
        ...     return [Plays()]
    """


@hookspec
def register_files() -> Sequence[StoredFiles]:
    """Directories with files that the plugin's rows refer to. ``autonomy backup`` includes them.

    A backup copies the database before the files. Therefore, write a file before the row that refers to it,
    never modify it, and delete it only hours after the last row that referred to it. The functions of
    ``plugin_api.files`` do so, with a `FileArea`, which is a `StoredFiles` as well.

    Fires: when a backup is made or restored. Transaction: none. Raising: the command ends. Twice: once each.

    Example:
        >>> from autonomy_core.plugin_api.files import StoredFiles
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def register_files():
        ...     covers = "SELECT cover FROM bonus_track_covers"
        ...     return [StoredFiles("covers", lambda settings: settings.data / "covers", covers)]
    """
