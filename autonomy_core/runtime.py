"""Creates the runtime of a process, for the web application, the worker and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import make_url

import autonomy_core.models  # noqa: F401 - the metadata has the tables of models that were imported
from autonomy_core.accounting.services import balances_of
from autonomy_core.alarms.models import Alarm
from autonomy_core.backup.stores import stored_files_of
from autonomy_core.catalog import details as catalog
from autonomy_core.catalog.bundles import Bundle
from autonomy_core.codes import personal_data as codes
from autonomy_core.codes.services import move_uses
from autonomy_core.coupons import personal_data as coupons
from autonomy_core.coupons import redemption
from autonomy_core.coupons.redemption import move_redemptions
from autonomy_core.customers import jobs as customers_jobs
from autonomy_core.customers import mails as customer_mails
from autonomy_core.customers import outbox
from autonomy_core.customers import personal_data as customers
from autonomy_core.customers.changing import unsubscribe_url_of_mail
from autonomy_core.customers.staff.services import move_notes
from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import Migrations, core_migrations
from autonomy_core.files.delivery import DELIVERIES as FILE_DELIVERIES
from autonomy_core.files.delivery import NAMES as DELIVERY_NAMES
from autonomy_core.files.uploads import collecting as uploads
from autonomy_core.grants import mails as grant_mails
from autonomy_core.grants import personal_data as grants
from autonomy_core.grants.services import move_grants
from autonomy_core.idempotency import jobs as idempotency
from autonomy_core.images import collecting as images
from autonomy_core.images.processors import PROCESSORS
from autonomy_core.jobs.models import JobFailure
from autonomy_core.kernel.delivery import Delivery
from autonomy_core.kernel.hooks import PluginSettings
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.images import ImageProcessor
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.media import FORMAT_NAME, MediaFormat
from autonomy_core.kernel.personal_data import Move, PersonalData
from autonomy_core.kernel.protocols import Flush, PaymentProvider, ProductKind
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.mail import jobs as mail
from autonomy_core.mail import templates as own_mails
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.registrations import mail_checks_of, templates_of, usable_mailers
from autonomy_core.media.formats import FORMATS
from autonomy_core.payments import jobs as payments
from autonomy_core.payments import mails as payment_mails
from autonomy_core.payments import personal_data as payments_data
from autonomy_core.payments.models import HookRun, PaymentRefund, ReversalHookRun
from autonomy_core.payments.ownership import move_payments
from autonomy_core.payments.references import customer_of_reference
from autonomy_core.settings import Settings, load_settings, rules_of
from autonomy_core.settings_schema import SettingsError
from autonomy_core.staff import mails as staff_mails
from autonomy_core.staff import personal_data as staff_data
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.schemas import CORE_SECTIONS
from autonomy_core.webhooks import jobs as webhooks
from autonomy_core.webhooks import personal_data as webhooks_data
from autonomy_core.webhooks.deliveries import DELIVERIES
from autonomy_core.webhooks.models import WebhookEvent
from autonomy_core.webhooks.timeline import events_of

APPLICATION_ROLE = "autonomy_app"
"""The embedded server's role for requests and jobs. It owns no tables, so all policies apply to it."""

DATABASE_NAME = "autonomy"

SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

MOVES: tuple[Move, ...] = (
    move_payments,
    move_grants,
    move_redemptions,
    move_uses,
    outbox.move_mails,
    move_notes,
    staff_data.end_membership,
)
"""In this order: a settlement locks its payment before it adds grants."""

PERSONAL_DATA = (
    customers.PERSONAL_DATA,
    payments_data.PERSONAL_DATA,
    grants.PERSONAL_DATA,
    coupons.PERSONAL_DATA,
    codes.PERSONAL_DATA,
    webhooks_data.PERSONAL_DATA,
    staff_data.PERSONAL_DATA,
)
"""What the core's features keep of customers, except mail; see `_personal_data`."""

FREE_TEXTS = (
    JobFailure.error,
    Alarm.message,
    HookRun.last_error,
    ReversalHookRun.last_error,
    PaymentRefund.reason,
    WebhookEvent.reason,
    MailMessage.answer,
)
"""Texts of errors and of staff, from which an erasure removes the address."""

TENANT_INDEX = "tenants-index.json"
"""The file in the data directory that lets a starting process skip reading all organisations' files."""


def make_runtime(raw_settings: Mapping[str, Any], plugins: Plugins | None = None) -> Runtime:
    """Create the runtime. Nothing is connected to yet, so ``proutes`` works without a database.

    Args:
        raw_settings: the keys of ``[app:main]``.
        plugins: the plugins; by default all that are installed.

    Raises:
        SettingsError, PluginError: with the remedy.
    """
    plugins = plugins or Plugins.from_entry_points()
    offered = dict.fromkeys(plugins.names, PluginSettings()) | dict(plugins.registered("register_settings"))
    settings = load_settings(raw_settings, {name: offered[name].server for name in plugins.names})
    database, embedded = _database(settings)
    mail_templates = mail_templates_of(plugins)
    webhook_sources = _webhook_sources(plugins)
    return Runtime(
        settings=settings,
        plugins=plugins,
        tenants=_tenants(settings, plugins, offered, mail_templates),
        database=database,
        embedded=embedded,
        providers=_providers(plugins),
        kinds=_kinds(plugins),
        jobs=_jobs(plugins, webhook_sources),
        components=partial(components, plugins),
        discounts=redemption,
        checks=tuple(plugins.offered("register_checks", "check")),
        webhook_sources=webhook_sources,
        histories=(events_of, balances_of),
        moves=MOVES,
        mail_templates=mail_templates,
        mailers=usable_mailers(plugins, settings),
        unsubscribe_url=unsubscribe_url_of_mail,
        image_processors=_image_processors(plugins, settings),
        deliveries=_deliveries(plugins, settings),
        media_formats=_media_formats(plugins),
        stored_files=stored_files_of(plugins),
        personal_data=_personal_data(plugins),
        customer_finders=(customer_of_reference,),
        free_texts=FREE_TEXTS,
        flushes=_flushes(plugins),
        scopes=_scopes(plugins),
        role_scopes=_role_scopes(plugins),
    )


def _refuse_names_of_sections(plugins: Plugins) -> None:
    for name in sorted(CORE_SECTIONS.keys() & set(plugins.names)):
        raise PluginError(
            f"plugin {name}: [{name}] is a section of the core in organisations' files; call the plugin "
            "something else"
        )


def _tenants(
    settings: Settings,
    plugins: Plugins,
    offered: Mapping[str, PluginSettings],
    mail_templates: Mapping[str, MailTemplate],
) -> TenantRegistry:
    _refuse_names_of_sections(plugins)
    return TenantRegistry(
        settings.tenants,
        {name: offered[name].organisation for name in plugins.names},
        index=settings.data / TENANT_INDEX,
        rules=rules_of(settings),
        mail_checks=mail_checks_of(plugins, mail_templates),
    )


def components(plugins: Plugins) -> list[Migrations]:
    """The core's migrations and every plugin's, in the order in which they are applied."""
    return [core_migrations(), *(migrations for _, migrations in plugins.registered("register_migrations"))]


def _kinds(plugins: Plugins) -> tuple[tuple[str | None, ProductKind], ...]:
    bundle = Bundle()
    offered = plugins.offered("register_product_kinds", "product kind", taken=[bundle.name], prefixed=False)
    return (*offered, (None, bundle))


def _role_scopes(plugins: Plugins) -> dict[str, frozenset[str]]:
    offered = plugins.offered("register_scopes", "scope", taken=SCOPES)
    return {scope.name: scope.roles for _, scope in offered}


def _scopes(plugins: Plugins) -> dict[str, str]:
    offered = plugins.offered("register_scopes", "scope", taken=SCOPES)
    return {**SCOPES, **{scope.name: scope.allows for _, scope in offered}}


def _providers(plugins: Plugins) -> dict[str, PaymentProvider]:
    """By the name that is stored with their payments, and by which they are found again."""
    found: dict[str, PaymentProvider] = dict(plugins.registered("register_payment_provider"))
    for plugin, provider in found.items():
        if provider.name != plugin:
            raise PluginError(f"plugin {plugin}: its payment provider calls itself {provider.name!r}")
    return found


def _jobs(plugins: Plugins, sources: Iterable[tuple[str, WebhookSource]]) -> tuple[Job, ...]:
    core = (
        *mail.JOBS,
        *customers_jobs.JOBS,
        *catalog.JOBS,
        *payments.JOBS,
        *idempotency.JOBS,
        *images.JOBS,
        *uploads.JOBS,
        *webhooks.jobs_for(sources),
    )
    offered = plugins.offered("register_jobs", "job", taken=[job.name for job in core])
    return (*core, *(job for _, job in offered))


def mail_templates_of(plugins: Plugins) -> dict[str, MailTemplate]:
    """The kinds of mail of the core and the plugins, by name.

    Raises:
        PluginError: a plugin's kind has a name that is taken, or no text; or a text for another kind has a
            mistake.
    """
    core = (
        *own_mails.TEMPLATES,
        *customer_mails.TEMPLATES,
        *grant_mails.TEMPLATES,
        *payment_mails.TEMPLATES,
        *staff_mails.TEMPLATES,
    )
    return templates_of(core, plugins)


def _image_processors(plugins: Plugins, settings: Settings) -> dict[str, ImageProcessor]:
    """By the name in the server's ini file.

    Raises:
        SettingsError: the ini file selects one that is not there.
    """
    taken = [processor.name for processor in PROCESSORS]
    offered = plugins.offered("register_image_processors", "image processor", taken=taken, prefixed=False)
    found = {processor.name: processor for processor in (*PROCESSORS, *(each for _, each in offered))}
    if settings.images_processor not in found:
        problem = f"there is no {settings.images_processor!r}; there are: {', '.join(sorted(found))}."
        raise SettingsError(("autonomy.images.processor", problem))
    return found


def _deliveries(plugins: Plugins, settings: Settings) -> tuple[tuple[str | None, Delivery], ...]:
    """Each with its plugin.

    Raises:
        SettingsError: the ini file selects one that is not there.
    """
    offered = plugins.offered("register_deliveries", "delivery", taken=DELIVERY_NAMES, prefixed=False)
    found = (*((None, delivery) for delivery in FILE_DELIVERIES), *offered)
    names = {*DELIVERY_NAMES, *(delivery.name for _, delivery in offered)}
    if settings.files.delivery not in names:
        problem = f"there is no {settings.files.delivery!r}; there are: {', '.join(sorted(names))}."
        raise SettingsError(("autonomy.files.delivery", problem))
    return found


def _media_formats(plugins: Plugins) -> tuple[tuple[str | None, MediaFormat], ...]:
    """The core's and the plugins', each with its plugin. Its name is a segment of a URL.

    Raises:
        PluginError: a name is taken, or is no name of a format.
    """
    taken = [each.name for each in FORMATS]
    offered = plugins.offered("register_media_formats", "media format", taken=taken, prefixed=False)
    for plugin, each in offered:
        if not FORMAT_NAME.fullmatch(each.name):
            raise PluginError(
                f"plugin {plugin}: its media format is called {each.name!r}; write 1 to 32 lower-case "
                "letters, digits and underscores, a letter first"
            )
    return (*((None, each) for each in FORMATS), *offered)


def _personal_data(plugins: Plugins) -> tuple[PersonalData, ...]:
    """The core's and the plugins'; each plugin's is named as the plugin.

    Mail is the last: the others find addresses in it, see `customers.addresses.entered_addresses`.

    Raises:
        PluginError: a plugin's has another name.
    """
    offered = dict(plugins.registered("register_personal_data"))
    for plugin, kept in offered.items():
        if kept.name != plugin:
            raise PluginError(f"plugin {plugin}: its personal data calls itself {kept.name!r}")
    return (*PERSONAL_DATA, *offered.values(), outbox.PERSONAL_DATA)


def _flushes(plugins: Plugins) -> tuple[Flush, ...]:
    offered = plugins.offered("register_flushes", "flush", taken=[DELIVERIES.name])
    return (DELIVERIES, *(flush for _, flush in offered))


def _webhook_sources(plugins: Plugins) -> tuple[tuple[str, WebhookSource], ...]:
    """Each with its plugin; its name is a segment of a URL.

    Raises:
        PluginError: a name cannot be one, or two sources have the same.
    """
    offered = plugins.offered("register_webhook_sources", "webhook source", prefixed=False)
    for plugin, source in offered:
        if not SOURCE_NAME.fullmatch(source.name):
            raise PluginError(
                f"plugin {plugin}: its webhook source {source.name!r} has to be called by "
                "lower-case letters, digits and underscores"
            )
    return tuple(offered)


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The database server that is used where ``sqlalchemy.url`` names none."""
    return EmbeddedServer(
        data_dir=settings.data / "postgresql", bin_dir=settings.embedded_bin_dir, fast=settings.embedded_fast
    )


def _database(settings: Settings) -> tuple[Database, EmbeddedServer | None]:
    if settings.database_url is not None:
        url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
        return Database(url.render_as_string(hide_password=False), pool_size=settings.pool_size), None
    server = embedded_server(settings)
    url_text = server.url(DATABASE_NAME, APPLICATION_ROLE)
    return Database(url_text, pool_size=settings.pool_size, before_connect=server.run_with_process), server
