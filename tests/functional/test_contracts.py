"""The plugin contract for the plugins that ship with the server."""

from __future__ import annotations

from autonomy_core.testing.contract import PluginContract
from media_mp3.models import Track
from stripe_payments.testing import stripe_settings


class TestCustomerAuth(PluginContract):
    plugin = "customer_auth"
    settings = {"access_token_minutes": "5"}


class TestStorefront(PluginContract):
    plugin = "storefront"
    settings = {"per_page": "10"}


class TestStripePayments(PluginContract):
    plugin = "stripe_payments"
    settings = stripe_settings()


class TestMediaMp3(PluginContract):
    plugin = "media_mp3"
    settings = {"link_minutes": "5"}

    def sold_product(self, autonomy, organisation_id):
        product = autonomy.product(organisation_id, kind="mp3")
        facts = {
            "duration_ms": 1000,
            "bitrate": 128_000,
            "size": 16_000,
            "sha256": "0" * 64,
            "peaks": b"\x00",
        }
        names = {"title": "A song", "storage_key": "none", "filename": "a.mp3"}
        with autonomy.scope(organisation_id) as scope:
            track = Track(
                organisation_id=organisation_id, product_id=product.id, position=1, **facts, **names
            )
            scope.session.add(track)
        return product
