"""Find the payment of one of Stripe's ids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import or_, select

from autonomy_core.plugin_api.payments import Environment, Payment, PaymentsUnavailable, RestoredCopy
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.client import NoSuchObject, retrieve_object
from stripe_payments.api.environments import usable_environments
from stripe_payments.api.references import Kind, Reference
from stripe_payments.domain import Lookup, NotBelieved
from stripe_payments.models import StripePayment
from stripe_payments.reversals.reports import Subject, check_subject, lookups, subject_of
from stripe_payments.services import Found
from stripe_payments.settings import ENVIRONMENTS

ID = re.compile(r"(?P<prefix>[a-z]{2,3})_[A-Za-z0-9_]{1,250}")

RECORDED = MappingProxyType({"cs": StripePayment.session_id, "pi": StripePayment.payment_intent_id})
"""The columns of ids, by the prefix of the ids."""

COLUMNS = ("payment_intent_id", "payment_id")
"""The columns by which an object finds its payment."""

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "ch": "charge",
        "py": "charge",
        "re": "refund",
        "pyr": "refund",
        "du": "dispute",
        "dp": "dispute",
        "pi": "payment_intent",
    }
)
"""The kinds of objects that Stripe is asked about, by the prefix of their ids."""


def find_payment(scope: TenantScope, text: str) -> UUID | None:
    """Return the payment that an object of Stripe belongs to; None if there is none.

    Args:
        scope: its own transaction is not used, so that no connection is held during the calls of Stripe.
        text: any text.

    Raises:
        Unavailable: Stripe does not answer.
    """
    named = ID.fullmatch(text)
    if named is None:
        return None
    if (column := RECORDED.get(named["prefix"])) is not None:
        with scope.begin() as own:
            of_id = StripePayment.environment.in_(ENVIRONMENTS) & (column == text)
            found = own.session.scalar(select(StripePayment.payment_id).where(of_id).limit(1))
        if found is not None:
            return found
    kind = KINDS.get(named["prefix"])
    return None if kind is None else _ask(scope, Reference(kind, text))


def _ask(scope: TenantScope, reference: Reference) -> UUID | None:
    """Ask Stripe, in each environment with a key: an id does not show its environment."""
    for environment in usable_environments(scope):
        try:
            subject = subject_of(retrieve_object(scope, environment, reference))
        except (NoSuchObject, PaymentsUnavailable, RestoredCopy):
            # Also if the key may not read this kind of object.
            continue
        with scope.begin() as own:
            (found,) = payments_of(own, environment, [subject])
        if found is not None:
            return found
    return None


def payments_of(
    scope: TenantScope, environment: Environment, subjects: Sequence[Subject]
) -> list[UUID | None]:
    """Return the payments of objects in the organisation's account; their rows are not locked.

    Returns:
        For each object its payment; None if there is none, or if the object contradicts it.
    """
    named = [list(lookups(subject)) for subject in subjects]
    known = _known(scope, environment, [lookup for each in named for lookup in each])
    return [_agreed(known, environment, *each) for each in zip(subjects, named, strict=True)]


def _known(
    scope: TenantScope, environment: Environment, named: Sequence[Lookup]
) -> dict[tuple[str, str | UUID], Found]:
    """Return the payments that any of the lookups finds, by the column and its value."""
    by_column = {column: [each.value for each in named if each.column == column] for column in COLUMNS}
    of_one = or_(*(getattr(StripePayment, column).in_(values) for column, values in by_column.items()))
    rows = scope.session.execute(
        select(StripePayment, Payment)
        .join(
            Payment,
            (Payment.organisation_id == StripePayment.organisation_id)
            & (Payment.id == StripePayment.payment_id),
        )
        .where(of_one, StripePayment.environment == environment)
    )
    return {
        (column, getattr(row, column)): Found(row, payment) for row, payment in rows for column in COLUMNS
    }


def _agreed(
    known: Mapping[tuple[str, str | UUID], Found],
    environment: Environment,
    subject: Subject,
    named: Sequence[Lookup],
) -> UUID | None:
    found = next((known[key] for each in named if (key := (each.column, each.value)) in known), None)
    if found is None:
        return None
    try:
        check_subject(subject, environment, found.recorded())
    except NotBelieved:
        return None
    return found.payment.id
