"""``POST /api/webhook/{source}/{organisation_id}``: one operation for each registered source.

`receiving` verifies an event and finds its organisation. `inbox` stores the event and calls the source's
``handle`` in one transaction.
"""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from autonomy_core.errors import TooLarge
from autonomy_core.kernel.copies import RestoredCopy
from autonomy_core.kernel.webhooks import BadEvent, BadSignature, OwnerUnknown, WebhookSource
from autonomy_core.traversal.resources import Resource, WebhookProvider, Webhooks
from autonomy_core.web.operations import PUBLIC, Operation
from autonomy_core.web.schemas import OpenQuery
from autonomy_core.webhooks import receiving
from autonomy_core.webhooks.inbox import EventNotStored
from autonomy_core.webhooks.resources import WebhookEndpoint
from autonomy_core.webhooks.schemas import MAX_EVENT_BYTES, ReceivedSchema


def take_event(context: WebhookEndpoint, request: Request) -> dict[str, Any]:
    """The signature authenticates the caller. An event is handled once, however often it is posted.

    If organisations share an endpoint, the event is handled for its own organisation.
    """
    source = context.source
    status = receiving.take(context.scope, source, _body(request), request.headers.get(source.header))
    return {"received": True, "status": status}


def _body(request: Request) -> bytes:
    length = request.content_length
    if length is None:
        body = request.body_file.read(MAX_EVENT_BYTES + 1)  # in chunks, as many as come
    else:
        # Not `body_file`: its wrapper around the raw file takes longer than the signature.
        body = request.body_file_raw.read(length) if length <= MAX_EVENT_BYTES else b""
    if max(length or 0, len(body)) > MAX_EVENT_BYTES:
        raise TooLarge(f"An event may have {MAX_EVENT_BYTES} bytes.")
    return bytes(body)


def add_source(config: Configurator, plugin: str, source: WebhookSource) -> None:
    """Register the operation of a source. It exists only for organisations with the plugin.

    Args:
        config: of the plugin's package.
        plugin: the name of the plugin.
        source: the provider.
    """
    # Metrics have the name of the class as a label.
    endpoint = type(f"{source.name.title()}Endpoint", (WebhookEndpoint,), {"source": source})
    provider = type("WebhookProviderOfSource", (WebhookProvider,), {"endpoint": endpoint})
    config.add_child(Webhooks, source.name, provider)
    config.add_operation(_operation(endpoint, plugin, source), take_event)


def _operation(endpoint: type[Resource], plugin: str, source: WebhookSource) -> Operation:
    body = {"type": "object", "description": f"An event of {source.title}, byte for byte as it was signed."}
    signature = {
        "name": source.header,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": source.header_description,
    }
    return Operation(
        context=endpoint,
        method="POST",
        name="",
        summary=f"Take an event from {source.title}",
        permission=PUBLIC,
        takes={"application/json": body},
        query=OpenQuery,
        parameters=[signature],
        takes_idempotency_key=False,
        transaction="none",
        returns=ReceivedSchema,
        errors=(BadSignature, BadEvent, TooLarge, EventNotStored, OwnerUnknown, RestoredCopy),
        plugin=plugin,
        id=take_event.__name__,
        description=take_event.__doc__,
    )
