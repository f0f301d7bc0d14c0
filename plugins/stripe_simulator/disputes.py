"""The life of a dispute: opened by the buyer's bank, contested by the seller or not, won or lost.

An inquiry may precede it: the bank asks, and takes no money yet. A lost dispute can be appealed and still be
won.
Source: https://docs.stripe.com/disputes/how-disputes-work and
https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions.
"""

from __future__ import annotations

from typing import Any, Literal

from stripe_simulator import objects
from stripe_simulator.balances import Balances
from stripe_simulator.errors import StripeError
from stripe_simulator.events import Events
from stripe_simulator.instruments import Card
from stripe_simulator.state import Ledger, Record
from stripe_simulator.versions import APPEALS

Document = dict[str, Any]
DisputeOutcome = Literal["won", "lost"]

OPEN = ("needs_response", "under_review")
OPEN_INQUIRY = ("warning_needs_response", "warning_under_review")
BLOCKING = (*OPEN, *APPEALS, "lost")
"""A charge with a dispute in one of these states cannot be refunded: the bank has the money."""

REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)

TEST_EVIDENCE: dict[str, DisputeOutcome] = {"winning_evidence": "won", "losing_evidence": "lost"}
"""``uncategorized_text`` of submitted evidence that decides a dispute (https://docs.stripe.com/testing)."""


class Disputes:
    """The operations on a dispute. Each method is one transaction and publishes the resulting events."""

    def __init__(self, ledger: Ledger, events: Events, balances: Balances) -> None:
        self._ledger = ledger
        self._balances = balances
        self._events = events

    def open(self, charge: Record, amount: int | None, reason: str, *, inquiry: bool = False) -> Record:
        """Dispute ``amount`` minor units of ``charge``, by default the amount that is not refunded.

        Raises StripeError if the charge is unpaid, has an open dispute, or is smaller than ``amount``.
        """
        with self._ledger.transaction():
            charge = self._disputable(charge)
            left = charge.body["amount"] - charge.body["amount_refunded"]
            amount = left if amount is None else amount
            if not 0 < amount <= charge.body["amount"]:
                raise StripeError(
                    f"The amount must be from 1 to {charge.body['amount']} (and the payment not refunded).",
                    param="amount",
                )
            body = objects.dispute(charge.body, amount, reason, inquiry=inquiry)
            dispute = self._ledger.put("dispute", body["id"], charge.account, body)
            charge.body["disputed"] = True
            self._ledger.save(charge)
            self._publish(dispute, "created")
            if not inquiry:
                self._withdraw(dispute)
        return dispute

    def follow(self, intent: Record, card: Card) -> None:
        """Dispute a new payment, if its ``card`` is a test card for disputes."""
        if card.dispute:
            charge = self._ledger.require("charge", intent.body["latest_charge"])
            self.open(charge, None, card.dispute, inquiry=card.inquiry)

    def escalate(self, dispute: Record) -> Record:
        """Turn an open inquiry into a chargeback, which withdraws the money."""
        with self._ledger.transaction():
            dispute = self._in_state(dispute, OPEN_INQUIRY)
            if method := dispute.body.get("payment_method_details"):
                method["card"]["case_type"] = "chargeback"
            self._change(dispute, "updated", status="needs_response", is_charge_refundable=False)
            self._withdraw(dispute)
        return dispute

    def update(
        self, dispute: Record, evidence: Document, metadata: Document | None, cause: Document, *, submit: bool
    ) -> Record:
        """Store ``evidence``. With ``submit`` the bank sees it, and may decide immediately."""
        with self._ledger.transaction():
            dispute = self._ledger.require("dispute", dispute.id)
            changes: Document = {} if metadata is None else {"metadata": metadata}
            if "appeal" in evidence:
                dispute = self._in_state(dispute, APPEALS[:1])
            elif evidence:
                dispute = self._in_state(dispute, OPEN + OPEN_INQUIRY)
            if evidence:
                changes |= _with_evidence(dispute.body, evidence, submit=submit)
            self._change(dispute, "updated", cause, **changes)
            outcome = TEST_EVIDENCE.get(evidence.get("uncategorized_text", ""))
            if outcome and dispute.body["status"] == "under_review":
                self.close(dispute, outcome)
        return dispute

    def give_up(self, dispute: Record, cause: Document) -> Record:
        """Close a dispute that the seller does not contest: it is lost; an inquiry is only closed."""
        with self._ledger.transaction():
            dispute = self._ledger.require("dispute", dispute.id)
            inquiry = dispute.body["status"] in OPEN_INQUIRY
            return self.close(dispute, "won" if inquiry else "lost", cause)

    def close(self, dispute: Record, outcome: DisputeOutcome, cause: Document | None = None) -> Record:
        """Close a dispute. An inquiry can only be won; a lost dispute can still be won.

        Raises StripeError if it is closed already.
        """
        with self._ledger.transaction():
            ending = OPEN + OPEN_INQUIRY + APPEALS + (("lost",) if outcome == "won" else ())
            dispute = self._in_state(dispute, ending)
            if dispute.body["status"] in OPEN_INQUIRY:
                if outcome == "lost":
                    raise StripeError("An inquiry cannot be lost: escalate it to a chargeback first.")
                self._change(dispute, "closed", cause, status="warning_closed")
                return dispute
            self._change(dispute, "closed", cause, status=outcome, is_charge_refundable=outcome == "won")
            if outcome == "won":
                self._move_money(dispute, dispute.body["amount"], "funds_reinstated")
        return dispute

    def appeal(self, dispute: Record) -> Record:
        """Start an appeal against the decision about a lost dispute: the seller may add evidence."""
        with self._ledger.transaction():
            dispute = self._in_state(dispute, ("lost",))
            self._change(dispute, "updated", status=APPEALS[0])
        return dispute

    def _disputable(self, charge: Record) -> Record:
        charge = self._ledger.require("charge", charge.id)
        if charge.body["status"] != "succeeded":
            raise StripeError("Only a payment that succeeded can be disputed.")
        earlier = self._ledger.find("dispute", charge.account, charge=charge.id)
        if any(dispute.body["status"] in OPEN + OPEN_INQUIRY + APPEALS for dispute in earlier):
            raise StripeError("This payment is disputed already.")
        return charge

    def _withdraw(self, dispute: Record) -> None:
        self._move_money(dispute, -dispute.body["amount"], "funds_withdrawn")

    def _move_money(self, dispute: Record, amount: int, what: str) -> None:
        charge = self._ledger.require("charge", dispute.body["charge"])
        booked = self._balances.book(
            charge, "dispute" if amount < 0 else "dispute_reversal", dispute.id, amount
        )
        dispute.body["balance_transactions"].append(booked)
        self._ledger.save(dispute)
        self._publish(dispute, what)

    def _in_state(self, dispute: Record, states: tuple[str, ...]) -> Record:
        """Read ``dispute`` again within the transaction, and refuse it in any other state."""
        dispute = self._ledger.require("dispute", dispute.id)
        if dispute.body["status"] not in states:
            raise StripeError(f"This dispute is {dispute.body['status']}.")
        return dispute

    def _change(self, dispute: Record, what: str, cause: Document | None = None, **changes: Any) -> None:
        previous = {name: dispute.body[name] for name in changes}
        dispute.body |= changes
        self._ledger.save(dispute)
        self._publish(dispute, what, cause, previous)

    def _publish(
        self,
        dispute: Record,
        what: str,
        cause: Document | None = None,
        previous: Document | None = None,
    ) -> None:
        kind = f"charge.dispute.{what}"
        self._events.publish(dispute.account, kind, dispute.body, cause, previous=previous)


def _with_evidence(dispute: Document, evidence: Document, *, submit: bool) -> Document:
    """Return the changes of ``dispute`` for added ``evidence``."""
    details = dispute["evidence_details"] | {"has_evidence": True}
    changes: Document = {"evidence": dispute["evidence"] | evidence}
    if submit:
        details |= {
            "submission_count": details["submission_count"] + 1,
            "submission_method": "manual",
        }
        changes["status"] = dispute["status"].replace("needs_response", "under_review")
    return changes | {"evidence_details": details}
