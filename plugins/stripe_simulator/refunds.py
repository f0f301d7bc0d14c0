"""The life of a refund: succeeded immediately or pending, then possibly failed or cancelled.

The charge counts a refund from its creation until it fails or is cancelled. Source:
https://docs.stripe.com/refunds.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import currencies, objects
from stripe_simulator.balances import Balances
from stripe_simulator.disputes import BLOCKING
from stripe_simulator.errors import StripeError, resource_missing
from stripe_simulator.events import Events
from stripe_simulator.instruments import Outcome, refund_behaviour
from stripe_simulator.state import Ledger, Record

Document = dict[str, Any]


class Refunds:
    """The operations on a refund. Each method is one transaction and publishes the resulting events."""

    def __init__(self, ledger: Ledger, events: Events, balances: Balances) -> None:
        self._ledger = ledger
        self._balances = balances
        self._events = events

    def create(
        self,
        charge: Record,
        amount: int | None = None,
        status: str | None = None,
        cause: Document | None = None,
        **chosen: Any,
    ) -> Record:
        """Refund ``amount`` minor units of ``charge``, by default the rest.

        ``status`` is the initial status; by default it depends on the payment method. ``chosen`` are members
        of the refund, such as ``reason`` and ``metadata``. Raises StripeError with the codes of
        https://docs.stripe.com/error-codes.
        """
        with self._ledger.transaction():
            charge = self._ledger.require("charge", charge.id)
            amount = self._refundable(charge, amount)
            behaviour = status or refund_behaviour(charge.body)
            first = "succeeded" if behaviour == "failed" else behaviour
            body = objects.refund(charge.body, amount, first, **chosen)
            body["balance_transaction"] = self._balances.book(charge, "refund", body["id"], -amount)["id"]
            refund = self._ledger.put("refund", body["id"], charge.account, body)
            self._events.publish(charge.account, "refund.created", refund.body, cause)
            self._move_money(charge, amount, cause)
            if behaviour == "failed":
                self.settle(refund, "failed")
        return refund

    def update(self, refund: Record, metadata: dict[str, str], cause: Document) -> Record:
        """Replace the metadata of ``refund``."""
        with self._ledger.transaction():
            self._change(refund, cause, metadata=metadata)
        return refund

    def settle(self, refund: Record, outcome: Outcome) -> Record:
        """Complete a refund: it succeeds, or it fails because the buyer's bank returns the money.

        As at Stripe, a refund that has succeeded can still fail. Raises StripeError if it is final already.
        """
        with self._ledger.transaction():
            refund = self._ledger.require("refund", refund.id)
            open_states = ("pending", "requires_action", *(("succeeded",) if outcome == "failed" else ()))
            if refund.body["status"] not in open_states:
                raise StripeError(f"This refund is {refund.body['status']} already.")
            if outcome == "succeeded":
                self._change(refund, status="succeeded")
            else:
                self._undo(refund, "failed", "expired_or_canceled_card")
        return refund

    def cancel(self, refund: Record, cause: Document) -> Record:
        """Cancel a refund that waits for the customer; other refunds cannot be cancelled."""
        with self._ledger.transaction():
            refund = self._ledger.require("refund", refund.id)
            if refund.body["status"] != "requires_action":
                raise StripeError(
                    "A refund can be canceled only while it is requires_action; it is "
                    f"{refund.body['status']}."
                )
            self._undo(refund, "canceled", "merchant_request", cause)
        return refund

    def _refundable(self, charge: Record, amount: int | None) -> int:
        """Return the amount to refund of ``charge``; raises StripeError if it cannot be refunded."""
        body = charge.body
        if body["status"] != "succeeded":
            raise StripeError(
                f"This PaymentIntent ({body['payment_intent']}) does not have a successful charge to refund."
            )
        disputes = self._ledger.find("dispute", charge.account, charge=charge.id)
        if any(dispute.body["status"] in BLOCKING for dispute in disputes):
            raise StripeError(
                f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed"
            )
        left = body["amount"] - body["amount_refunded"]
        if not left:
            raise StripeError(
                f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
            )
        return _checked(left if amount is None else amount, left, body["currency"])

    def _move_money(self, charge: Record, amount: int, cause: Document | None) -> None:
        """Add ``amount`` to the refunded amount of a charge.

        A negative amount undoes it, without an event.
        """
        body = charge.body
        previous = {name: body[name] for name in ("amount_refunded", "refunded")}
        body["amount_refunded"] += amount
        body["refunded"] = body["amount_refunded"] == body["amount"]
        self._ledger.save(charge)
        if amount > 0:
            changed = {name: value for name, value in previous.items() if value != body[name]}
            self._events.publish(charge.account, "charge.refunded", body, cause, previous=changed)

    def _undo(self, refund: Record, status: str, reason: str, cause: Document | None = None) -> None:
        charge = self._ledger.require("charge", refund.body["charge"])
        amount = refund.body["amount"]
        self._move_money(charge, -amount, cause)
        self._change(
            refund,
            cause,
            status=status,
            failure_reason=reason,
            failure_balance_transaction=self._balances.book(charge, "refund_failure", refund.id, amount)[
                "id"
            ],
        )

    def _change(self, refund: Record, cause: Document | None = None, **changes: Any) -> None:
        previous = {name: refund.body.get(name) for name in changes}
        refund.body |= changes
        if refund.body["status"] != "pending":
            refund.body.pop("pending_reason", None)
        self._ledger.save(refund)
        failed = ("refund.failed",) if changes.get("status") == "failed" else ()
        for kind in (*failed, "refund.updated", "charge.refund.updated"):
            self._events.publish(refund.account, kind, refund.body, cause, previous=previous)


def refunded_charge(ledger: Ledger, account: str, parameters: Document) -> Record:
    """Return the charge that ``charge`` or ``payment_intent`` in ``parameters`` names.

    Raises StripeError (404) if ``account`` does not have it, and (400) if the payment intent was never paid.
    """
    if "charge" in parameters:
        return _owned(ledger, "charge", account, parameters["charge"])
    intent = _owned(ledger, "payment_intent", account, parameters["payment_intent"])
    charge = ledger.get("charge", intent.body["latest_charge"] or "", account)
    if charge is None:
        raise StripeError(f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return charge


def _owned(ledger: Ledger, kind: Any, account: str, identifier: str) -> Record:
    found = ledger.get(kind, identifier, account)
    if found is None:
        raise resource_missing(kind, identifier, param=kind)
    return found


def _checked(amount: int, left: int, currency: str) -> int:
    """Return ``amount`` if it can be refunded, given that ``left`` is not refunded yet."""
    if amount > left:
        wanted, rest = currencies.display(amount, currency), currencies.display(left, currency)
        raise StripeError(
            f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({rest})", param="amount"
        )
    if amount % (step := currencies.unit_step(currency)):
        raise StripeError(f"amount in {currency} must be a multiple of {step}.", param="amount")
    return amount
