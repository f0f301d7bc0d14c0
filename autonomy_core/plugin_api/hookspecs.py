"""Every hook of the server; `autonomy_core.kernel.hookspecs` explains each."""

from __future__ import annotations

from autonomy_core.kernel.hookspecs import (
    on_customer_registered,
    on_payment_completed,
    register_authenticators,
    register_checks,
    register_commands,
    register_files,
    register_flushes,
    register_jobs,
    register_migrations,
    register_payment_provider,
    register_product_kinds,
    register_scopes,
    register_settings,
    register_views,
)

__all__ = [
    "on_customer_registered",
    "on_payment_completed",
    "register_authenticators",
    "register_checks",
    "register_commands",
    "register_files",
    "register_flushes",
    "register_jobs",
    "register_migrations",
    "register_payment_provider",
    "register_product_kinds",
    "register_scopes",
    "register_settings",
    "register_views",
]
