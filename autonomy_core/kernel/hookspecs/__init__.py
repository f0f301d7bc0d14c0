"""The specifications of all hooks.

``register_…`` hooks run once, when a process starts, and have no organisation: they return what the plugin
provides. ``on_…`` hooks concern one organisation. They run only if that organisation has enabled the plugin,
and take one frozen event. ``on_<past tense>`` tells what has happened, ``on_…ing`` what is about to happen.

Implementations are functions in the plugin's ``plugin.py``, marked with `hookimpl`. At start-up, pluggy
rejects an implementation with an argument that its specification does not have.
"""

from __future__ import annotations

from autonomy_core.kernel.hookspecs.events import (
    on_customer_erased,
    on_customer_registered,
    on_customer_updated,
    on_customer_verified,
    on_customers_merged,
    on_download,
    on_grant_revoked,
    on_mail_sending,
    on_payment_completed,
    on_payment_disputed,
    on_payment_refunded,
    on_purchase_requested,
    on_track_ready,
)
from autonomy_core.kernel.hookspecs.logins import on_login, on_login_required, on_logins_ended
from autonomy_core.kernel.hookspecs.pages import register_menu, register_page_slots, register_pages
from autonomy_core.kernel.hookspecs.products import on_image_changed, on_product_changed
from autonomy_core.kernel.hookspecs.providers import (
    register_authenticators,
    register_deliveries,
    register_image_processors,
    register_mail_templates,
    register_mailers,
    register_media_formats,
    register_payment_provider,
    register_personal_data,
    register_product_kinds,
    register_webhook_sources,
)
from autonomy_core.kernel.hookspecs.registrations import (
    register_checks,
    register_commands,
    register_files,
    register_flushes,
    register_jobs,
    register_migrations,
    register_scopes,
    register_settings,
    register_views,
)

__all__ = [
    "on_customer_erased",
    "on_customer_registered",
    "on_customer_updated",
    "on_customer_verified",
    "on_customers_merged",
    "on_download",
    "on_grant_revoked",
    "on_image_changed",
    "on_login",
    "on_login_required",
    "on_logins_ended",
    "on_mail_sending",
    "on_payment_completed",
    "on_payment_disputed",
    "on_payment_refunded",
    "on_product_changed",
    "on_purchase_requested",
    "on_track_ready",
    "register_authenticators",
    "register_checks",
    "register_commands",
    "register_deliveries",
    "register_files",
    "register_flushes",
    "register_image_processors",
    "register_jobs",
    "register_mail_templates",
    "register_mailers",
    "register_media_formats",
    "register_menu",
    "register_migrations",
    "register_page_slots",
    "register_pages",
    "register_payment_provider",
    "register_personal_data",
    "register_product_kinds",
    "register_scopes",
    "register_settings",
    "register_views",
    "register_webhook_sources",
]
