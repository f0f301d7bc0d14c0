"""The shop as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class Shop(AppConfig):
    """It has tables, and a handler of events."""

    name = "bench.webhooks.djstripe_shop"
    label = "shop"

    def ready(self) -> None:
        """Connect the handler to dj-stripe's signal."""
        from bench.webhooks.djstripe_shop import handlers  # noqa: F401
