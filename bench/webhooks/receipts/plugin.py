"""The plugin's hooks."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.events import PaymentCompleted
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.models import utcnow
from bench.webhooks.receipts.models import Receipt


@hookimpl
def register_migrations() -> Migrations:
    """The table of receipts."""
    return plugin_migrations("receipts", Path(__file__).parent / "migrations")


@hookimpl
def on_payment_completed(event: PaymentCompleted) -> None:
    """Write the receipt once."""
    receipt = insert(Receipt).values(
        organisation_id=event.scope.organisation.id,
        id=event.payment.id,
        amount=event.payment.amount,
        currency=event.payment.currency,
        made_at=utcnow(),
    )
    event.scope.session.execute(receipt.on_conflict_do_nothing())
