"""Stripe's published description of its objects, as JSON Schema, with what is newer in the pinned version.

`schema/objects.json` holds the part of https://github.com/stripe/openapi (MIT, see `schema/LICENSE`) that
describes the objects the simulator plays, at version `PUBLISHED`: the newest that is published. It was made
of its ``spec3.json`` by

    python -m tests.unit.stripe_simulator.published PATH/TO/spec3.json

`NEWER` adds what the pinned version has beyond that, each with its source. The SDK knows the members of the
pinned version too: `unknown_to_the_sdk` compares with it, so that `NEWER` cannot allow what the version does
not have.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from stripe._object_classes import get_object_class

SCHEMA = Path(__file__).parent / "schema" / "objects.json"

PUBLISHED = "2026-08-26.dahlia"

KINDS = {
    "account": "account",
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "checkout.session": "checkout.session",
    "country_spec": "country_spec",
    "dispute": "dispute",
    "event": "event",
    "item": "item",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "price": "price",
    "product": "product",
    "refund": "refund",
    "webhook_endpoint": "webhook_endpoint",
}
"""The published schema of each kind of object, by the value of its member ``object``."""

OTHERS = ("deleted_webhook_endpoint", "error")

METHODS = ("acss_debit", "au_becs_debit", "bacs_debit", "card", "sepa_debit", "us_bank_account")
"""The payment methods of the simulator. Schemas of others are left out, so that their members are refused."""

OF_METHODS = (
    "account_capabilities",
    "checkout_session_payment_method_options",
    "payment_intent_payment_method_options",
    "payment_method",
    "payment_method_details",
    "refund_destination_details",
)
"""The schemas with a member for each payment method."""

DOCUMENTATION = {"description", "title", "x-expandableFields", "x-expansionResources", "x-resourceId"}

NEWER: dict[str, dict[str, Any]] = {
    # https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
    "checkout.session": {
        "allowed_payment_method_types": {"items": {"type": "string"}, "nullable": True, "type": "array"}
    },
    # https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions
    "dispute": {
        "intended_submission_method": {
            "enum": ["manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"],
            "nullable": True,
        },
        "status": {
            "enum": [
                "appeal_needs_response",
                "appeal_under_review",
                "lost",
                "needs_response",
                "prevented",
                "under_review",
                "warning_closed",
                "warning_needs_response",
                "warning_under_review",
                "won",
            ]
        },
    },
    "dispute_evidence": {
        "appeal": {
            "nullable": True,
            "properties": {
                "card": {
                    "properties": {
                        "reason_for_filing": {"nullable": True, "type": "string"},
                        "supporting_files": {"items": {"type": "string"}, "nullable": True, "type": "array"},
                    },
                    "type": "object",
                }
            },
            "type": "object",
        },
    },
    "dispute_evidence_details": {
        "submission_method": {"enum": ["manual", "not_submitted", "smart_disputes"], "type": "string"},
    },
}
"""Members of the pinned version that the published one lacks or describes otherwise, by schema."""


def misfits(document: dict[str, Any], version: str) -> list[str]:
    """Return the deviations of an answer of the API in a version, of all its objects and lists."""
    version = document["api_version"] if document.get("object") == "event" else version
    found = _against_the_schema(_schema_of(document), document, version)
    shown = [f"{_shown(document)}: {problem}" for problem in found]
    return shown + [problem for part in _parts(document) for problem in misfits(part, version)]


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return all objects in an answer: itself, those in lists and events, those that were expanded."""
    if isinstance(value, list):
        return [found for each in value for found in objects_in(each)]
    if not isinstance(value, dict):
        return []
    own = [value] if isinstance(value.get("object"), str) and value["object"] != "list" else []
    return own + [found for each in value.values() for found in objects_in(each)]


def unknown_to_the_sdk(document: dict[str, Any]) -> list[str]:
    """Return the members of an object, and of what is in it, that the SDK's class for it does not know."""
    kind = document.get("object", "")
    return _unknown(document, get_object_class("V1", kind), kind) if kind in KINDS else []


def _unknown(value: Any, kind: Any, path: str) -> list[str]:
    if isinstance(value, list):
        return [problem for each in value for problem in _unknown(each, kind, path)]
    if not isinstance(value, dict) or not kind.__annotations__:
        return []
    known = {name for each in kind.__mro__ for name in getattr(each, "__annotations__", {})}
    aliases = getattr(kind, "_field_remappings", {})
    problems = [f"{path}.{name}" for name in value if name not in known and name not in aliases.values()]
    inner = getattr(kind, "_inner_class_types", {})
    return problems + [
        problem
        for name, member in value.items()
        if name in inner
        for problem in _unknown(member, inner[name], f"{path}.{name}")
    ]


def _schema_of(document: dict[str, Any]) -> str | None:
    if "error" in document:
        return "error"
    kind = document["object"]
    if kind == "list":
        return None
    return f"deleted_{kind}" if document.get("deleted") else KINDS[kind]


def _parts(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that the schema does not reach: members of a list, and what an event is about."""
    if document.get("object") == "list":
        assert set(document) == {"object", "data", "has_more", "url"}
        return list(document["data"])
    return [document["data"]["object"]] if document.get("object") == "event" else []


def _against_the_schema(name: str | None, document: dict[str, Any], version: str) -> list[str]:
    if name is None:
        return []
    return [_reason(error) for error in _validator(name, version).iter_errors(document)]


def _reason(error: Any) -> str:
    """Return the deviations from the best alternative, where a value may also be null or an id."""
    while error.context:
        error = max(error.context, key=lambda each: len(each.absolute_path))
    return f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


def _shown(document: dict[str, Any]) -> str:
    about = document.get("type", "") if document.get("object") == "event" else document.get("id", "")
    return f"{document.get('object', 'error')} {about}"


@cache
def _validator(name: str, version: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **_description(version)})


@cache
def _description(version: str) -> dict[str, Any]:
    schemas = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for name, members in NEWER.items() if version != PUBLISHED else ():
        schemas[name]["properties"] |= members
    return {"components": {"schemas": {name: _json_schema(each) for name, each in schemas.items()}}}


def _json_schema(described: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema: null as a type, and no undescribed members."""
    if isinstance(described, list):
        return [_json_schema(each) for each in described]
    if not isinstance(described, dict):
        return described
    schema = {name: _json_schema(value) for name, value in described.items() if name != "nullable"}
    if "properties" in described and isinstance(described["properties"], dict):
        schema["properties"] = {name: _json_schema(each) for name, each in described["properties"].items()}
        schema.setdefault("additionalProperties", False)
    return {"anyOf": [schema, {"type": "null"}]} if described.get("nullable") is True else schema


def extract(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of `KINDS` and `OTHERS`, and what they refer to, of a whole OpenAPI description."""
    schemas = spec["components"]["schemas"]
    wanted = {*KINDS.values(), *OTHERS}
    objects = {
        name for name, each in schemas.items() if each.get("properties", {}).get("object", {}).get("enum")
    }
    methods = set(schemas["payment_method"]["properties"]["type"]["enum"]) - set(METHODS)
    kept: dict[str, Any] = {}
    missing = sorted(wanted)
    while missing:
        name = missing.pop()
        if name in kept or name in objects - wanted:
            continue
        schema = _undocumented(schemas[name])
        if name in OF_METHODS:
            schema["properties"] = {
                member: each for member, each in schema["properties"].items() if member not in methods
            }
        kept[name] = _without_references(schema, objects - wanted)
        missing += _references(kept[name])
    return {name: kept[name] for name in sorted(kept)}


def _undocumented(value: Any, *, names: bool = False) -> Any:
    if isinstance(value, list):
        return [_undocumented(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _undocumented(each, names=name == "properties" and not names)
        for name, each in value.items()
        if names or name not in DOCUMENTATION
    }


def _without_references(value: Any, unwanted: set[str]) -> Any:
    """Return a schema in which an object that the simulator does not play is not an alternative to its id."""
    if isinstance(value, list):
        return [
            _without_references(each, unwanted)
            for each in value
            if not _references([each], own=True) & unwanted
        ]
    if isinstance(value, dict):
        return {name: _without_references(each, unwanted) for name, each in value.items()}
    return value


def _references(value: Any, *, own: bool = False) -> set[str]:
    """Return the names of the schemas that a schema refers to; only itself, not its parts, with ``own``."""
    if isinstance(value, list):
        return {name for each in value for name in _references(each, own=own)}
    if not isinstance(value, dict):
        return set()
    named = {str(value["$ref"]).rsplit("/", 1)[1]} if isinstance(value.get("$ref"), str) else set()
    return named if own else named | {name for each in value.values() for name in _references(each)}


if __name__ == "__main__":
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    assert found["info"]["version"] == PUBLISHED, found["info"]["version"]
    lines = [
        f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}" for name, each in extract(found).items()
    ]
    SCHEMA.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
