"""The shop as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class Shop(AppConfig):
    """The shop's tables, and its event handler."""

    name = "bench.webhooks.djstripe_shop"
    label = "shop"

    def ready(self) -> None:
        """Connect the handler to dj-stripe's signal."""
        from bench.webhooks.djstripe_shop import handlers  # noqa: F401
