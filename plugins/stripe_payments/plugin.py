"""The plugin's implementations of the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from pyramid.config import Configurator

from autonomy_core.plugin_api.checks import OrganisationCheck
from autonomy_core.plugin_api.customers import PersonalData
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.protocols import PaymentProvider
from autonomy_core.plugin_api.resources import ApiV1
from autonomy_core.plugin_api.webhooks import WebhookSource
from stripe_payments import models  # noqa: F401 - migrations compare the tables with them
from stripe_payments.balances.jobs import JOBS
from stripe_payments.checkout.provider import StripeCheckout
from stripe_payments.cli.commands import stripe_commands
from stripe_payments.endpoints.doctor import CHECKS
from stripe_payments.events.source import StripeEvents
from stripe_payments.personal_data import PERSONAL_DATA
from stripe_payments.resources import Checkouts, StripeCheckouts
from stripe_payments.settings import PLUGIN, StripeServerSettings, StripeSettings


@hookimpl
def register_settings() -> PluginSettings:
    """Registers the keys of an organisation's environments, and the simulator's URL for the server."""
    return PluginSettings(organisation=StripeSettings, server=StripeServerSettings)


@hookimpl
def register_migrations() -> Migrations:
    """Registers the migrations of the table of checkouts."""
    return plugin_migrations(PLUGIN, Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """Registers the return page."""
    config.add_child(ApiV1, "checkout", Checkouts)
    config.add_child(Checkouts, "stripe", StripeCheckouts)
    config.scan("stripe_payments.views")


@hookimpl
def register_payment_provider() -> PaymentProvider:
    """Registers Stripe Checkout."""
    return StripeCheckout()


@hookimpl
def register_webhook_sources() -> Sequence[WebhookSource]:
    """Registers Stripe as a source of events."""
    return [StripeEvents()]


@hookimpl
def register_personal_data() -> PersonalData:
    """Registers the addresses of checkouts."""
    return PERSONAL_DATA


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Registers the jobs that read fees from Stripe's balance."""
    return JOBS


@hookimpl
def register_checks() -> Sequence[OrganisationCheck]:
    """Registers the checks of keys and endpoints that call Stripe."""
    return CHECKS


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """Registers ``autonomy stripe …``."""
    return [stripe_commands]
