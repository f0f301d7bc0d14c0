"""The life of a dispute: opened by the buyer's bank, answered or not by the seller, won or lost.

An inquiry comes before: the bank asks, and takes no money yet. A lost dispute can be appealed, and won after all. Source:
https://docs.stripe.com/disputes/how-disputes-work and
https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions.
"""

from __future__ import annotations

from typing import Any, Literal

from stripe_simulator import objects
from stripe_simulator.errors import StripeError
from stripe_simulator.events import Events
from stripe_simulator.instruments import Card
from stripe_simulator.state import Books, Record
from stripe_simulator.versions import APPEALS

Document = dict[str, Any]
DisputeOutcome = Literal["won", "lost"]

OPEN = ("needs_response", "under_review")
OPEN_INQUIRY = ("warning_needs_response", "warning_under_review")
BLOCKING = (*OPEN, *APPEALS, "lost")
"""A charge with such a dispute cannot be refunded: the money is with the bank."""

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
"""What decides a dispute when submitted as ``uncategorized_text`` (https://docs.stripe.com/testing)."""


class Disputes:
    """What can be done to a dispute. Each method is one transaction and publishes the events that follow from it."""

    def __init__(self, books: Books, events: Events) -> None:
        self._books = books
        self._events = events

    def open(self, charge: Record, amount: int | None, reason: str, *, inquiry: bool = False) -> Record:
        """Dispute ``amount`` minor units of ``charge``, by default all that has not been refunded.

        Raises StripeError if the charge is not paid, has an open dispute, or is of less than ``amount``.
        """
        with self._books.transaction():
            charge = self._disputable(charge)
            left = charge.body["amount"] - charge.body["amount_refunded"]
            amount = left if amount is None else amount
            if not 0 < amount <= charge.body["amount"]:
                raise StripeError(
                    f"The amount must be from 1 to {charge.body['amount']} (and the payment not refunded).",
                    param="amount",
                )
            body = objects.dispute(charge.body, amount, reason, inquiry=inquiry)
            dispute = self._books.put("dispute", body["id"], charge.account, body)
            charge.body["disputed"] = True
            self._books.save(charge)
            self._publish(dispute, "created")
            if not inquiry:
                self._withdraw(dispute)
        return dispute

    def follow(self, intent: Record, card: Card) -> None:
        """Dispute a payment that has just been made, if its ``card`` is one for that."""
        if card.dispute:
            charge = self._books.require("charge", intent.body["latest_charge"])
            self.open(charge, None, card.dispute, inquiry=card.inquiry)

    def escalate(self, dispute: Record) -> Record:
        """Turn an open inquiry into a chargeback: now the money is taken."""
        with self._books.transaction():
            dispute = self._in_state(dispute, OPEN_INQUIRY)
            if method := dispute.body.get("payment_method_details"):
                method["card"]["case_type"] = "chargeback"
            self._change(dispute, "updated", status="needs_response", is_charge_refundable=False)
            self._withdraw(dispute)
        return dispute

    def update(
        self, dispute: Record, evidence: Document, metadata: Document | None, cause: Document, *, submit: bool
    ) -> Record:
        """Keep ``evidence`` and, if it is to be submitted, bring it before the bank, which may decide at once."""
        with self._books.transaction():
            dispute = self._books.require("dispute", dispute.id)
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
        """Close a dispute because the seller does not contest it: it is lost, or, an inquiry, just over."""
        with self._books.transaction():
            dispute = self._books.require("dispute", dispute.id)
            inquiry = dispute.body["status"] in OPEN_INQUIRY
            return self.close(dispute, "won" if inquiry else "lost", cause)

    def close(self, dispute: Record, outcome: DisputeOutcome, cause: Document | None = None) -> Record:
        """End a dispute; an inquiry can only end well, and one that was lost can still be won.

        Raises StripeError if it has ended already.
        """
        with self._books.transaction():
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
        """Let the decision about a lost dispute be appealed: the seller may now bring evidence against it."""
        with self._books.transaction():
            dispute = self._in_state(dispute, ("lost",))
            self._change(dispute, "updated", status=APPEALS[0])
        return dispute

    def _disputable(self, charge: Record) -> Record:
        charge = self._books.require("charge", charge.id)
        if charge.body["status"] != "succeeded":
            raise StripeError("Only a payment that succeeded can be disputed.")
        earlier = self._books.find("dispute", charge.account, charge=charge.id)
        if any(dispute.body["status"] in OPEN + OPEN_INQUIRY + APPEALS for dispute in earlier):
            raise StripeError("This payment is disputed already.")
        return charge

    def _withdraw(self, dispute: Record) -> None:
        self._move_money(dispute, -dispute.body["amount"], "funds_withdrawn")

    def _move_money(self, dispute: Record, amount: int, what: str) -> None:
        dispute.body["balance_transactions"].append(objects.withdrawal(dispute.body, amount))
        self._books.save(dispute)
        self._publish(dispute, what)

    def _in_state(self, dispute: Record, states: tuple[str, ...]) -> Record:
        """Read ``dispute`` again, now that nobody else can change it, and refuse it in another state."""
        dispute = self._books.require("dispute", dispute.id)
        if dispute.body["status"] not in states:
            raise StripeError(f"This dispute is {dispute.body['status']}.")
        return dispute

    def _change(self, dispute: Record, what: str, cause: Document | None = None, **changes: Any) -> None:
        previous = {name: dispute.body[name] for name in changes}
        dispute.body |= changes
        self._books.save(dispute)
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
    """Return what changes about ``dispute`` when ``evidence`` is added."""
    details = dispute["evidence_details"] | {"has_evidence": True}
    changes: Document = {"evidence": dispute["evidence"] | evidence}
    if submit:
        details |= {
            "submission_count": details["submission_count"] + 1,
            "submission_method": "manual",
        }
        changes["status"] = dispute["status"].replace("needs_response", "under_review")
    return changes | {"evidence_details": details}
