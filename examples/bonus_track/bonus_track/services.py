"""Services: give a bonus, list bonuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.events import PaymentCompleted, PaymentFacts
from autonomy_core.plugin_api.grants import environment_of
from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope
from bonus_track.domain import Offer
from bonus_track.models import Bonus


def give_bonus(event: PaymentCompleted) -> None:
    """Grant what the payment has earned. Running it again changes nothing.

    Raises:
        NotFound: the bonus product does not exist; the hook is then tried again later.
    """
    offer = Offer(**event.scope.settings("bonus_track"))
    if offer.is_earned_by([item.id for item in event.items], event.payment.amount):
        event.grant(offer.product_id)
        _record(event.scope, event.payment, offer.product_id)


def bonuses_of(scope: TenantScope, customer_id: UUID) -> Select[Bonus]:
    """Select a customer's bonuses of the environment in which the organisation sells now."""
    return every_bonus(scope).where(Bonus.customer_id == customer_id)


def every_bonus(scope: TenantScope) -> Select[Bonus]:
    """Select all bonuses of the environment in which the organisation sells now."""
    return select(Bonus).where(Bonus.environment == environment_of(scope))


def move_bonuses(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give all bonuses of a customer to another."""
    mine = update(Bonus).where(Bonus.customer_id == source_id)
    scope.session.execute(mine.values(customer_id=target_id))


def export_bonuses(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield one file with the customer's bonuses, in test and in live."""
    mine = select(Bonus).where(Bonus.customer_id == customer_id).order_by(Bonus.id)
    found = scope.session.scalars(mine)
    yield "bonuses.json", [{"product_id": each.product_id, "given_at": each.given_at} for each in found]


def erase_nothing(scope: TenantScope, customer_id: UUID) -> None:
    """Ids and dates belong to the ledger, and stay."""


def _record(scope: TenantScope, payment: PaymentFacts, product_id: UUID) -> None:
    bonus = insert(Bonus).values(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        payment_id=payment.id,
        customer_id=payment.customer_id,
        product_id=product_id,
        environment=payment.environment,
        given_at=utcnow(),
    )
    scope.session.execute(bonus.on_conflict_do_nothing(index_elements=["organisation_id", "payment_id"]))
