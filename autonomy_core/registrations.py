"""What the core and the plugins offer together: product kinds, jobs, kinds of mail and so on.

`runtime` puts it into the runtime of a process. A mistake of a plugin or of the ini file ends the start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autonomy_core.alarms.models import Alarm
from autonomy_core.catalog import details as catalog
from autonomy_core.catalog.bundles import Bundle
from autonomy_core.codes import personal_data as codes
from autonomy_core.codes.services import move_uses
from autonomy_core.coupons import personal_data as coupons
from autonomy_core.coupons.redemption import move_redemptions
from autonomy_core.customers import jobs as customers_jobs
from autonomy_core.customers import mails as customer_mails
from autonomy_core.customers import outbox
from autonomy_core.customers import personal_data as customers
from autonomy_core.customers.staff.services import move_notes
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
from autonomy_core.kernel.delivery import FileDelivery
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.images import ImageProcessor
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.media import FORMAT_NAME, MediaFormat
from autonomy_core.kernel.personal_data import Move, PersonalData
from autonomy_core.kernel.protocols import Flush, PaymentProvider, ProductKind
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.mail import jobs as mail
from autonomy_core.mail import templates as own_mails
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.registrations import templates_of
from autonomy_core.media.formats import FORMATS
from autonomy_core.payments import jobs as payments
from autonomy_core.payments import mails as payment_mails
from autonomy_core.payments import personal_data as payments_data
from autonomy_core.payments.models import HookRun, PaymentRefund, ReversalHookRun
from autonomy_core.payments.ownership import move_payments
from autonomy_core.settings import Settings
from autonomy_core.settings_schema import SettingsError
from autonomy_core.staff import mails as staff_mails
from autonomy_core.staff import personal_data as staff_data
from autonomy_core.webhooks import jobs as webhooks
from autonomy_core.webhooks import personal_data as webhooks_data
from autonomy_core.webhooks.deliveries import DELIVERIES
from autonomy_core.webhooks.models import WebhookEvent

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
"""What the core's features keep of customers, except mail; see `personal_data_of`."""

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


def kinds_of(plugins: Plugins) -> tuple[tuple[str | None, ProductKind], ...]:
    """The product kinds, each with its plugin; None for the core."""
    bundle = Bundle()
    offered = plugins.offered("register_product_kinds", "product kind", taken=[bundle.name], prefixed=False)
    return (*offered, (None, bundle))


def role_scopes_of(plugins: Plugins) -> dict[str, frozenset[str]]:
    """The roles of staff that have the scope of a plugin, by scope."""
    offered = plugins.offered("register_scopes", "scope", taken=SCOPES)
    return {scope.name: scope.roles for _, scope in offered}


def scopes_of(plugins: Plugins) -> dict[str, str]:
    """What each scope of an API key allows, by scope."""
    offered = plugins.offered("register_scopes", "scope", taken=SCOPES)
    return {**SCOPES, **{scope.name: scope.allows for _, scope in offered}}


def providers_of(plugins: Plugins) -> dict[str, PaymentProvider]:
    """The payment providers by the name that is stored with their payments.

    Raises:
        PluginError: a provider has another name than its plugin.
    """
    found: dict[str, PaymentProvider] = dict(plugins.registered("register_payment_provider"))
    for plugin, provider in found.items():
        if provider.name != plugin:
            raise PluginError(f"plugin {plugin}: its payment provider calls itself {provider.name!r}")
    return found


def jobs_of(plugins: Plugins, sources: Iterable[tuple[str, WebhookSource]]) -> tuple[Job, ...]:
    """The background jobs, those of the sources of webhooks included."""
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


def image_processors_of(plugins: Plugins, settings: Settings) -> dict[str, ImageProcessor]:
    """What decodes uploaded images, by the name in the server's ini file.

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


def deliveries_of(plugins: Plugins, settings: Settings) -> tuple[tuple[str | None, FileDelivery], ...]:
    """Who else sends stored files, each with its plugin; None for the core.

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


def media_formats_of(plugins: Plugins) -> tuple[tuple[str | None, MediaFormat], ...]:
    """The formats of recordings, each with its plugin. Its name is a segment of a URL.

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


def personal_data_of(plugins: Plugins) -> tuple[PersonalData, ...]:
    """What is kept of customers; that of a plugin is named as the plugin.

    Mail is the last: the others find addresses in it, see `customers.addresses.entered_addresses`.

    Raises:
        PluginError: a plugin's has another name.
    """
    offered = dict(plugins.registered("register_personal_data"))
    for plugin, kept in offered.items():
        if kept.name != plugin:
            raise PluginError(f"plugin {plugin}: its personal data calls itself {kept.name!r}")
    return (*PERSONAL_DATA, *offered.values(), outbox.PERSONAL_DATA)


def flushes_of(plugins: Plugins) -> tuple[Flush, ...]:
    """The collections of data that are written periodically."""
    offered = plugins.offered("register_flushes", "flush", taken=[DELIVERIES.name])
    return (DELIVERIES, *(flush for _, flush in offered))


def webhook_sources_of(plugins: Plugins) -> tuple[tuple[str, WebhookSource], ...]:
    """The sources of webhooks, each with its plugin. Its name is a segment of a URL.

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
