"""The plugin's implementations of the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from pyramid.config import Configurator

from autonomy_core.plugin_api.checks import OrganisationCheck
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.protocols import Flush, PaymentProvider
from autonomy_core.plugin_api.resources import ApiV1, Webhooks
from stripe_payments import models  # noqa: F401 - migrations compare the tables with them
from stripe_payments.checkout.provider import StripeCheckout
from stripe_payments.cli.commands import stripe_commands
from stripe_payments.endpoints.doctor import CHECKS
from stripe_payments.events.deliveries import DELIVERIES
from stripe_payments.events.jobs import JOBS
from stripe_payments.resources import Checkouts, StripeCheckouts, StripeWebhooks
from stripe_payments.settings import PLUGIN, StripeServerSettings, StripeSettings


@hookimpl
def register_settings() -> PluginSettings:
    """Keys by organisation and environment; the simulator's address by server."""
    return PluginSettings(organisation=StripeSettings, server=StripeServerSettings)


@hookimpl
def register_migrations() -> Migrations:
    """Checkouts and events."""
    return plugin_migrations(PLUGIN, Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """The webhook and the return page."""
    config.add_child(Webhooks, "stripe", StripeWebhooks)
    config.add_child(ApiV1, "checkout", Checkouts)
    config.add_child(Checkouts, "stripe", StripeCheckouts)
    config.scan("stripe_payments.views")


@hookimpl
def register_payment_provider() -> PaymentProvider:
    """Stripe Checkout."""
    return StripeCheckout()


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Events that were stored and not handled."""
    return JOBS


@hookimpl
def register_checks() -> Sequence[OrganisationCheck]:
    """What only Stripe can tell about keys and endpoints."""
    return CHECKS


@hookimpl
def register_flushes() -> Sequence[Flush]:
    """How deliveries fare."""
    return [DELIVERIES]


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """``autonomy stripe …``."""
    return [stripe_commands]
