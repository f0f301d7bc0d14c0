"""The plugin's hooks."""

from __future__ import annotations

from pathlib import Path

from pyramid.config import Configurator

from autonomy_core.plugin_api.customers import PersonalData
from autonomy_core.plugin_api.events import CustomersMerged, PaymentCompleted
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.resources import Admin, Customers
from bonus_track import services
from bonus_track.resources import AdminBonuses, CustomerBonuses
from bonus_track.settings import BonusTrackSettings

MINIMUM_API = (2, 0)
"""The version of `autonomy_core.plugin_api` that this plugin needs. An older server refuses the plugin."""


@hookimpl
def register_settings() -> PluginSettings:
    """The section ``[bonus_track]``."""
    return PluginSettings(organisation=BonusTrackSettings)


@hookimpl
def register_migrations() -> Migrations:
    """The table of bonuses."""
    return plugin_migrations("bonus_track", Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """``customers/bonuses`` and ``admin/bonuses``."""
    config.add_child(Customers, "bonuses", CustomerBonuses)
    config.add_child(Admin, "bonuses", AdminBonuses)
    config.scan("bonus_track.views")


@hookimpl
def on_payment_completed(event: PaymentCompleted) -> None:
    """Give the bonus."""
    services.give_bonus(event)


@hookimpl
def on_customers_merged(event: CustomersMerged) -> None:
    """Move the bonuses."""
    services.move_bonuses(event.scope, event.source_id, event.target_id)


@hookimpl
def register_personal_data() -> PersonalData:
    """A customer's export lists the bonuses. They name no person, so an erasure leaves them."""
    return PersonalData("bonus_track", services.export_bonuses, services.erase_nothing)
