"""The OpenAPI document of an organisation."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import make_schema_key, resolve_schema_instance
from marshmallow import fields

from autonomy_core.idempotency.schemas import parameter
from autonomy_core.openapi.calls import Call, calls_of
from autonomy_core.openapi.responses import base_schema, problem_schema, problems_of, responses_of
from autonomy_core.openapi.security import schemes, scopes_of, security_of

OPENAPI_VERSION = "3.1.0"
DISTRIBUTION = "autonomy-server"
TITLE = "Autonomy Server"

ABOUT = """\
All calls that this organisation offers.

- Lists are `{"items": […], "next": …}`; send `next` as `cursor` to get the next items; `null` means the end.
- Times are RFC 3339 in UTC. Amounts are integers in the minor unit of the currency.
- A parameter or a member that is not described here, or that is repeated, is refused (422) with its name.
- An error is `application/problem+json` (RFC 9457); branch on its `code`.
- `HEAD` is supported wherever `GET` is. An unsupported method gets 405 with `Allow`.
"""


OTHERS = ""
TAGS = {
    "products": "Products on sale, and purchases without an account.",
    "purchases": "Follow a purchase without an account.",
    "customers": "Register, buy, and use purchased products.",
    OTHERS: "",
    "admin": "For the organisation's staff and back end, with an API key.",
    "webhooks": "For payment providers.",
    "description": "This document.",
}
"""The tags in their order: calls for a shop's front end come first. Plugins' tags replace `OTHERS`."""


@dataclass(frozen=True, slots=True)
class Description:
    """A document as it is served.

    Attributes:
        document: the parsed document.
        body: the document as JSON, UTF-8.
        etag: a hash of the body.
    """

    document: dict[str, Any]
    body: bytes
    etag: str


def describe(
    registry: Any, enabled: tuple[str, ...], api_url: str, server_url: str, title: str = TITLE
) -> Description:
    """Build the document of the organisations that have enabled these plugins.

    Args:
        registry: Pyramid's registry of the complete application.
        enabled: the names of the plugins.
        api_url: the URL of the organisation's API, as the reader addressed it.
        server_url: the URL of the server, for webhooks.
        title: the organisation's name.

    Returns:
        The document. Source: OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0.
    """
    scopes = scopes_of(registry, enabled)
    spec = _empty_document(api_url, title, scopes)
    used_ids: set[str] = set()
    calls = sorted(calls_of(registry, enabled), key=lambda call: _place_of(_tag(call)))
    for tag in dict.fromkeys(map(_tag, calls)):
        spec.tag({"name": tag, **({"description": TAGS[tag]} if tag in TAGS else {})})
    possible = {error for call in calls for error in problems_of(call)}
    spec.components.schema("Problem", base_schema(possible))
    for name, schema in sorted(map(problem_schema, possible)):
        spec.components.schema(name, schema)
    for call in calls:
        spec.path(
            path=call.path or "/",
            operations={call.operation.method.lower(): _operation(call, scopes, used_ids)},
        )
    document = json.loads(json.dumps(spec.to_dict()))
    for call in calls:
        if call.is_webhook:
            document["paths"][call.path]["servers"] = [{"url": server_url}]
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Description(document, body, hashlib.sha256(body).hexdigest())


def _place_of(tag: str) -> int:
    order = list(TAGS)
    return order.index(tag if tag in TAGS else OTHERS)


def _empty_document(api_url: str, title: str, scopes: Mapping[str, str]) -> APISpec:
    marshmallow_plugin = MarshmallowPlugin(schema_name_resolver=_name_resolver())
    spec = APISpec(
        title=title,
        version=importlib.metadata.version(DISTRIBUTION),
        openapi_version=OPENAPI_VERSION,
        info={"description": ABOUT},
        servers=[{"url": api_url}],
        plugins=[marshmallow_plugin],
    )
    marshmallow_plugin.map_to_openapi_type(fields.Url, "string", "uri")
    marshmallow_plugin.map_to_openapi_type(fields.Enum, "string", None)
    converter = cast("Any", marshmallow_plugin.converter)
    converter.add_attribute_function(_portable_pattern)
    converter.add_attribute_function(_no_default_of_null)
    for name, scheme in schemes(scopes).items():
        spec.components.security_scheme(name, scheme)
    return spec


def _name_resolver() -> Callable[[Any], str]:
    """Name schemas by their class. A second schema of the same name is inlined."""
    taken: dict[str, Any] = {}

    def name_of(schema: Any) -> str:
        instance = resolve_schema_instance(schema)
        name = type(instance).__name__.removesuffix("Schema")
        key = make_schema_key(instance)
        return name if taken.setdefault(name, key) == key else ""

    return name_of


def _portable_pattern(converter: Any, field: fields.Field, ret: dict[str, Any], **_: Any) -> dict[str, str]:
    # JSON Schema does not support Python's anchors.
    pattern = ret.get("pattern")
    return {"pattern": pattern.replace(r"\A", "^").replace(r"\Z", "$")} if pattern else {}


def _no_default_of_null(converter: Any, field: fields.Field, ret: dict[str, Any], **_: Any) -> dict[str, str]:
    # None marks an absent member. Where null is not allowed, it would be an invalid default.
    if "default" in ret and ret["default"] is None:
        del ret["default"]
    return {}


def _operation(call: Call, scopes: Collection[str], used_ids: set[str]) -> dict[str, Any]:
    operation = call.operation
    described: dict[str, Any] = {
        "operationId": _unique_id(call, used_ids),
        "summary": operation.summary,
        "tags": [_tag(call)],
        "security": security_of(call, scopes),
        "parameters": _parameters(call),
        "responses": responses_of(call),
    }
    if operation.description:
        described["description"] = inspect.cleandoc(operation.description)
    if body := _request_body(call):
        described["requestBody"] = body
    return described


def _unique_id(call: Call, used: set[str]) -> str:
    operation = call.operation
    own = f"{operation.plugin}_{operation.id}" if operation.plugin else operation.id
    spelled = "_".join(
        [operation.method.lower(), *(part.strip("{}") for part in call.path.split("/") if part)]
    )
    chosen = spelled if own in used else own
    used.add(chosen)
    return chosen


def _tag(call: Call) -> str:
    if call.is_webhook:
        return "webhooks"
    segment = call.path.strip("/").partition("/")[0]
    return "description" if len(call.place.lineage) == 1 else segment


def _parameters(call: Call) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "schema": schema}
        for name, schema in call.place.parameters
    ]
    if call.operation.query is not None:
        described.append({"in": "query", "schema": call.operation.query})
    if call.operation.is_repeatable:
        described.append(parameter(is_public=not security_of(call)))
    return [*described, *map(dict, call.operation.parameters)]


def _request_body(call: Call) -> dict[str, Any] | None:
    schema = call.operation.body
    if schema is not None:
        required = any(field.required for field in schema().fields.values())
        return {"required": required, "content": {"application/json": {"schema": schema}}}
    if call.operation.takes:
        content = {media: {"schema": dict(schema)} for media, schema in call.operation.takes.items()}
        return {"required": True, "content": content}
    return None
