"""The calls about disputes (https://docs.stripe.com/api/disputes)."""

from __future__ import annotations

from marshmallow import Schema

from stripe_simulator.api.call import Call, Document, merged, page
from stripe_simulator.api.refunds import of_payment
from stripe_simulator.objects.refunds import EVIDENCE
from stripe_simulator.parameters import Array, Boolean, Metadata, Object, Parameters, Text


class AppealCard(Parameters):
    """Arguments against a decision about a card payment, and the ids of files with evidence."""

    reason_for_filing = Text(longest=20_000)
    supporting_files = Array(Text())


class Appeal(Parameters):
    """Evidence against a decision."""

    card = Object(AppealCard, required=True)


Evidence: type[Schema] = Parameters.from_dict(
    {**{name: Text(longest=20_000) for name in EVIDENCE}, "appeal": Object(Appeal)}, name="Evidence"
)


class DisputeUpdate(Parameters):
    """Evidence against a dispute, and whether to submit it to the bank now."""

    added_by_endive = ("evidence[appeal]",)

    evidence = Object(Evidence, load_default=dict)
    metadata = Metadata()
    submit = Boolean(load_default=True)
    expand = Array(Text())


def retrieve(call: Call) -> Document:
    """Return a dispute."""
    return call.expanded(call.find("dispute", "dispute").body)


def list_all(call: Call) -> Document:
    """Return disputes, optionally of a payment intent or a charge."""
    return page(call, "dispute", "/v1/disputes", lambda dispute: dispute.body, of_payment(call))


def update(call: Call) -> Document:
    """Add evidence, or change metadata."""
    dispute, wanted = call.find("dispute", "dispute"), call.parameters
    metadata = merged(dispute.body["metadata"], wanted["metadata"]) if "metadata" in wanted else None
    disputes = call.simulator.disputes
    changed = disputes.update(dispute, wanted["evidence"], metadata, call.cause, submit=wanted["submit"])
    return call.expanded(changed.body)


def close(call: Call) -> Document:
    """Accept a dispute, which loses it."""
    return call.expanded(call.simulator.disputes.give_up(call.find("dispute", "dispute"), call.cause).body)
