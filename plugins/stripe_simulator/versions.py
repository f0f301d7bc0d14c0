"""The supported versions of Stripe's API, and their differences.

Objects are stored in `API_VERSION`. A response, or an event, is converted to the version of its receiver.
Source: https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions,
https://docs.stripe.com/changelog/endive/2026-09-30 (removes the payment_method_types parameter from payment
intents and setup intents) and
https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from stripe_simulator import API_VERSION
from stripe_simulator.errors import StripeError
from stripe_simulator.parameters import unknown

Document = dict[str, Any]

ACCOUNT_VERSION = "2026-08-26.dahlia"
"""The default version of every account. It applies to requests without a version (the Stripe CLI's), to the
events that the API lists, and to endpoints without a version (https://docs.stripe.com/api/versioning)."""

VERSIONS = (ACCOUNT_VERSION, API_VERSION)

ADDED_BY_ENDIVE = {
    "checkout.session": ("allowed_payment_method_types",),
    "dispute": ("intended_submission_method", "evidence_details.submission_method", "evidence.appeal"),
}
"""The members that an object has since endive, as paths."""

CHANGELOG = "https://docs.stripe.com/changelog/endive"

APPEALS = ("appeal_needs_response", "appeal_under_review")
"""Statuses of a dispute since endive. Before, a dispute stays lost until an appeal is won."""


def check(schema: Schema, given: Document, version: str) -> None:
    """Refuse the parameters that a call does not have in a version.

    A schema's ``removed_by_endive`` names those that endive removed, with the error's code. Its
    ``added_by_endive`` names those that endive added.

    Raises:
        StripeError: there is such a parameter.
    """
    removed: dict[str, str] = getattr(schema, "removed_by_endive", {})
    added: tuple[str, ...] = getattr(schema, "added_by_endive", ())
    for name in removed if version == API_VERSION else ():
        if _is_given(given, name):
            problem = f"{name} cannot be used any more; see {CHANGELOG}."
            raise StripeError(problem, code=removed[name], param=name)
    for name in added if version != API_VERSION else ():
        if _is_given(given, name):
            raise unknown(name)


def _is_given(given: Document, name: str) -> bool:
    """Return whether a parameter such as ``evidence[appeal]`` is given."""
    outer, _, inner = name.partition("[")
    value = given.get(outer)
    return outer in given and (not inner or (isinstance(value, dict) and inner.rstrip("]") in value))


def shown(document: Document, version: str) -> Document:
    """Return a response, or an event, in a version."""
    if version == API_VERSION:
        return document
    if document.get("object") == "event":
        return _event(document, version)
    return {name: _value(each, version) for name, each in _members(document, document.get("object", ""))}


def _event(event: Document, version: str) -> Document:
    kind = event["data"]["object"]["object"]
    data = {"object": shown(event["data"]["object"], version)}
    if "previous_attributes" in event["data"]:
        data["previous_attributes"] = dict(_members(event["data"]["previous_attributes"], kind))
    return event | {"api_version": version, "data": data}


def _members(members: Document, kind: str) -> list[tuple[str, Any]]:
    """Return the members of an object, or former members of it, in version dahlia."""
    appealed = kind == "dispute" and members.get("status") in APPEALS
    kept = members | ({"status": "lost"} if appealed else {})
    for path in ADDED_BY_ENDIVE.get(kind, ()):
        kept = _without(kept, path)
    return list(kept.items())


def _without(members: Document, path: str) -> Document:
    name, _, rest = path.partition(".")
    if not rest:
        return {each: value for each, value in members.items() if each != name}
    return members | ({name: _without(members[name], rest)} if isinstance(members.get(name), dict) else {})


def _value(value: Any, version: str) -> Any:
    if isinstance(value, list):
        return [_value(each, version) for each in value]
    return shown(value, version) if isinstance(value, dict) else value
