"""Every hook of the server.

``register_…`` hooks run once, when a process starts, and know no organisation: they say what the plugin
has. ``on_<past tense>`` hooks are about one organisation, run only where that organisation has enabled the
plugin, and take one frozen event.

Implementations are functions in the plugin's ``plugin.py``, marked with `hookimpl`. pluggy refuses at
start-up one that names an argument its specification does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import PluginSettings, hookspec

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

    from autonomy_core.db.migrations import Migrations
    from autonomy_core.kernel.checks import OrganisationCheck
    from autonomy_core.kernel.events import CustomerRegistered, PaymentCompleted
    from autonomy_core.kernel.files import StoredFiles
    from autonomy_core.kernel.identity import Scope
    from autonomy_core.kernel.jobs import Job
    from autonomy_core.kernel.protocols import Authenticator, Flush, PaymentProvider, ProductKind


@hookspec
def register_settings() -> PluginSettings:
    """The schemas of the settings that the plugin takes.

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
    raise NotImplementedError


@hookspec
def register_migrations() -> Migrations:
    """The plugin's own Alembic history; importing the models is part of answering.

    Every table is named ``<plugin>_…``; the version table is ``<plugin>_alembic_version``, so that
    installing, upgrading and removing one plugin leaves the others alone.

    Fires: at start-up, and when migrations run. Transaction: none. Raising: the process does not start.
    Twice: yes, and the answer must be the same.

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
    raise NotImplementedError


@hookspec
def register_views(config: Configurator) -> None:
    """Register views, and hang children into the tree.

    The configurator belongs to the plugin's package: a view registered through it does not exist (404) for
    an organisation that has not enabled the plugin. Subscribers, tweens, routes and request methods would
    be there for everybody, so the contract tests refuse them.

    Args:
        config: use ``config.scan("<package>.views")`` and ``config.add_child(Parent, name, Factory)``.

    Fires: at start-up, within Pyramid's configuration. Transaction: none. Raising: the process does not
    start; two plugins that want one name in the tree are a conflict. Twice: once per application.

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
def register_payment_provider() -> PaymentProvider:
    """A provider that collects money. An organisation's payments go to the first it has enabled.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.protocols import PaymentProvider
        >>> class Invoices:
        ...     name = "invoices"
        ...     def environment(self, organisation): return "live"
        ...     def price_problem(self, organisation, amount, currency): ...
        ...     def prepare(self, scope, order): ...
        ...     def begin_checkout(self, scope, payment_id, prepared=None): ...
        ...     def attach(self, scope, payment_id, checkout): ...
        ...     def can_be_paid(self, scope, payment_id): return True
        ...     def has_checkout(self, scope, payment_id): return False
        ...     def expire(self, scope, payment_id): ...
        ...     def fetch_state(self, scope, payment_id): ...
        ...     def refund(self, scope, order): ...
        ...     def timeline(self, scope, payment_id): return []
        >>> @hookimpl
        ... def register_payment_provider():
        ...     return Invoices()
        >>> isinstance(register_payment_provider(), PaymentProvider)
        True
    """
    raise NotImplementedError


@hookspec
def register_product_kinds() -> Sequence[ProductKind]:
    """The kinds of product that the plugin can deliver. ``bundle`` is the core's own.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Ticket:
        ...     name = "ticket"
        ...     def obstacle_to_sale(self, scope, product_id): return None
        >>> @hookimpl
        ... def register_product_kinds():
        ...     return [Ticket()]
    """
    raise NotImplementedError


@hookspec
def register_authenticators() -> Sequence[Authenticator]:
    """Ways to recognise who is asking. They are asked in the order of the plugins' names, the first answer counts.

    Fires: at start-up. Transaction: none; ``identify`` runs within the request's. Raising: the process does
    not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Nobody:
        ...     def identify(self, request): return None
        >>> @hookimpl
        ... def register_authenticators():
        ...     return [Nobody()]
    """
    raise NotImplementedError


@hookspec
def register_scopes() -> Sequence[Scope]:
    """Scopes of the plugin's own, which an API key may have, for what is neither the core's catalog nor its payments.

    A view asks for one by ``permission="<plugin>.<what>"``; the context's ``__acl__`` grants it to
    ``scope:<plugin>.<what>``. ``autonomy keys issue`` takes it wherever the plugin is installed.

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
    raise NotImplementedError


@hookspec
def register_jobs() -> Sequence[Job]:
    """Work that the worker does, in one organisation at a time: when it was deferred, or periodically.

    Fires: at start-up. Transaction: none; each run of a job has one of its own. Raising: the process does
    not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.jobs import Job
        >>> def send_thanks(scope, customer_id): ...
        >>> def send_newsletter(scope): ...
        >>> @hookimpl
        ... def register_jobs():
        ...     return [
        ...         Job("bonus_track.send_thanks", send_thanks),
        ...         Job("bonus_track.send_newsletter", send_newsletter, every=7 * 24 * 3600),
        ...     ]
    """
    raise NotImplementedError


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
    raise NotImplementedError


@hookspec
def register_checks() -> Sequence[OrganisationCheck]:
    """Looks at an organisation that its ini file alone does not allow: does the key work, is the address right?

    ``autonomy tenants check --online`` runs them where the plugin is enabled, several organisations at once,
    and keeps what they found for ``/health/ready``, which runs none. Those that are ``is_offline`` are run by every
    ``autonomy tenants check``, and by ``autonomy tenants apply``, where an error refuses the draft.

    Fires: at start-up. Transaction: none; each run of a check has one of its own. Raising: the process does
    not start; a check that raises is itself a finding. Twice: once per process; a check runs whenever it is asked.

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
    raise NotImplementedError


@hookspec
def register_flushes() -> Sequence[Flush]:
    """What the plugin gathers in memory, such as counts, to be written into the database at intervals.

    For what happens too often, or can be caused by too many, to be worth a transaction each time.

    Fires: at start-up. Transaction: none; a thread of each server process writes every few seconds, one
    transaction for each organisation. Raising: the process does not start; when writing raises it is tried
    again. Twice: once per process. A process that is killed loses what it gathered since it wrote last.

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
    raise NotImplementedError


@hookspec
def register_files() -> Sequence[StoredFiles]:
    """The directories of files to which the plugin's rows refer: ``autonomy backup`` takes them along.

    A backup copies the database first and the files after it. So write a file before the row that refers to it, never
    change it, and remove it no sooner than hours after the last row that did.

    Fires: when a backup is made or restored. Transaction: none. Raising: the command ends. Twice: once per command.

    Example:
        >>> from autonomy_core.plugin_api.files import StoredFiles
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def register_files():
        ...     covers = "SELECT cover FROM bonus_track_covers"
        ...     return [StoredFiles("covers", lambda settings: settings.data / "covers", covers)]
    """
    raise NotImplementedError


@hookspec
def on_payment_completed(event: PaymentCompleted) -> None:
    """A payment has been completed: grant what has been bought, which may be several products of several plugins.

    Fires: once a payment, when it is settled as completed, whichever way the news came.

    Transaction: the one that marks the payment completed. Other payments of the organisation that were paid in the
    same moment may be in it too, all of them completed before the first hook runs; the hooks then run one after
    the other, in the order of the products' ids. So to count completed payments does not tell which is the first,
    and locks are held until the last. What an implementation does is undone without the others' work when it
    raises. Outgoing calls do not belong here: defer a job.

    Raising: nothing else is lost. The payment stays completed, the other implementations' work stays, what
    this one did is rolled back, and it is run again by a job, with back-off, until it succeeds; until then
    it is listed by name under the payment.

    Twice: yes, whenever it raised and is run again, or when another one did, in the same transaction, which then
    begins anew. An implementation is idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_payment_completed(event):
        ...     for item in event.items:
        ...         if item.kind == "ticket":
        ...             event.grant(item.id)
    """


@hookspec
def on_customer_registered(event: CustomerRegistered) -> None:
    """A customer has registered.

    Fires: once a customer. Transaction: the one that makes the customer. Raising: the registration is
    rolled back and refused. Twice: no, unless the request as a whole is tried again.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_customer_registered(event):
        ...     print("welcome", event.email)
    """
