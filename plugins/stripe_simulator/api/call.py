"""Helpers of all API calls: a validated request, references, lists and metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stripe_simulator.errors import StripeError, resource_missing
from stripe_simulator.state import Condition, Kind, Record

if TYPE_CHECKING:
    from stripe_simulator.app import Simulator

Document = dict[str, Any]

REFERENCES: dict[str, dict[str, Kind]] = {
    "checkout.session": {"payment_intent": "payment_intent"},
    "payment_intent": {"latest_charge": "charge"},
    "charge": {"payment_intent": "payment_intent", "balance_transaction": "balance_transaction"},
    "refund": {
        "charge": "charge",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
}
"""The expandable members of each object, and the kinds of objects they refer to."""

SOURCES: dict[str, Kind] = {"ch": "charge", "re": "refund", "du": "dispute"}
"""The kinds of objects that a balance transaction may refer to, by the prefix of their ids."""

DEEPEST = 4
"""The maximum depth of an expansion."""


@dataclass(frozen=True)
class Call:
    """A request that is authenticated, of a supported version, and with valid ``parameters``."""

    simulator: Simulator
    account: str
    path: dict[str, str]
    parameters: Document
    origin: str
    """The URL of the simulator as the caller reached it."""
    cause: Document
    """``{"id": request id, "idempotency_key": key or None}``, for the events of this call."""

    def find(self, kind: Kind, name: str) -> Record:
        """Return the caller's object whose id is in the path; raises StripeError (404)."""
        return self.own(kind, self.path["id"], name, param="id")

    def own(self, kind: Kind, identifier: str, name: str, param: str) -> Record:
        """Return the caller's object with an id; raises StripeError (404) with ``param``."""
        record = self.simulator.ledger.get(kind, identifier, self.account)
        if record is None:
            raise resource_missing(name, identifier, param=param)
        return record

    def expanded(self, shown: Document, paths: Sequence[str] | None = None) -> Document:
        """Return ``shown`` with the references at ``paths`` expanded.

        The default of ``paths`` is the call's ``expand``.
        """
        for path in self.parameters.get("expand", ()) if paths is None else paths:
            shown = self._expand(shown, path.split("."), path)
        return shown

    def _expand(self, shown: Document, path: Sequence[str], asked: str) -> Document:
        member, *rest = path
        value = shown.get(member)
        kind = _kind_of(shown, member)
        if kind is None or len(path) > DEEPEST:
            raise StripeError(f"This property cannot be expanded ({asked}).", param="expand")
        if isinstance(value, str):
            found = self.simulator.ledger.get(kind, value, self.account)
            value = found.body if found else None
        return shown | {member: self._expand(value, rest, asked) if value and rest else value}


def _kind_of(shown: Document, member: str) -> Kind | None:
    """Return the kind of object that a member refers to; None if it cannot be expanded."""
    if shown["object"] == "balance_transaction" and member == "source":
        return SOURCES[shown["source"].partition("_")[0]]
    return REFERENCES.get(shown["object"], {}).get(member)


def merged(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Return metadata ``old`` updated with ``new``.

    An empty value removes its key; an empty ``new`` removes all.
    """
    return {key: value for key, value in (old | new).items() if value} if new else {}


def listing(items: list[Document], url: str, *, has_more: bool) -> Document:
    """Return a list object of the API."""
    return {"object": "list", "data": items, "has_more": has_more, "url": url}


def equal(call: Call, *names: str) -> list[Condition]:
    """Return conditions that members equal the call's parameters of the same names, if given."""
    return [Condition(name, "=", call.parameters[name]) for name in names if name in call.parameters]


def page(
    call: Call,
    kind: Kind,
    url: str,
    show: Callable[[Record], Document],
    where: Sequence[Condition] = (),
) -> Document:
    """Return one page of the caller's objects, newest first (https://docs.stripe.com/api/pagination).

    The objects satisfy ``where`` and the call's ``created``.
    """
    ledger, wanted = call.simulator.ledger, call.parameters
    cursors: dict[str, Any] = {}
    for parameter, bound in (("starting_after", "older_than"), ("ending_before", "newer_than")):
        if parameter in wanted:
            cursors[bound] = call.own(kind, wanted[parameter], kind, param=parameter).position
    conditions = [*where, *wanted.get("created", ())]
    found = ledger.find(kind, call.account, limit=wanted["limit"] + 1, where=conditions, **cursors)
    has_more = len(found) > wanted["limit"]
    if has_more:
        found.pop(0 if "newer_than" in cursors else -1)
    return listing([_member(call, show(record)) for record in found], url, has_more=has_more)


def _member(call: Call, shown: Document) -> Document:
    """Return a list member with the call's expansions below ``data``."""
    paths = call.parameters.get("expand", ())
    if outside := [path for path in paths if not path.startswith("data.")]:
        raise StripeError(f"This property cannot be expanded ({outside[0]}).", param="expand")
    return call.expanded(shown, [path.removeprefix("data.") for path in paths])
