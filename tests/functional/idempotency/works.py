"""A third-party plugin: a POST that makes a product and then calls the test's callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import fields
from pyramid.config import Configurator

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import create_product
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import ApiV1
from autonomy_core.plugin_api.schemas import ApiSchema

NAME = "works"


class WorkSchema(ApiSchema):
    note = fields.String(load_default="")


class DoneSchema(ApiSchema):
    id = fields.UUID(required=True)


class Orders:
    """Callbacks of a test before and after the work."""

    before: Callable[[Any], Any] | None = None
    after: Callable[[Any], Any] | None = None


orders = Orders()


@api_view(
    context=ApiV1,
    method="POST",
    name="works",
    summary="Work",
    permission=PUBLIC,
    body=WorkSchema,
    returns=DoneSchema,
    status=201,
    also={204: None, 303: None},
)
def work(context, request):
    if orders.before:
        orders.before(request)
    title = request.validated["note"] or "A work"
    # Not by `create_product`, where a second product with the same words waits until the first is committed.
    values = {"title": title, "description": "", "kind": "thing", "amount": 1, "currency": "eur"}
    product = Product(organisation_id=context.scope.organisation.id, **values)
    context.scope.session.add(product)
    context.scope.session.flush()
    answer = orders.after(request) if orders.after else None
    return product if answer is None else answer


@api_view(
    context=ApiV1,
    method="POST",
    name="steps",
    summary="Work in a transaction that the view begins",
    permission=PUBLIC,
    body=WorkSchema,
    returns=DoneSchema,
    status=201,
    transaction="none",
)
def work_in_steps(context, request):
    values = {"title": "A step", "description": "", "kind": "thing", "amount": 1, "active": True}
    with context.scope.begin() as own:
        return create_product(own, values, actor="test")


@api_view(context=ApiV1, method="PUT", name="works", summary="Work again", permission=PUBLIC, status=204)
def put_work(context, request):
    work_values = {"title": "Put", "description": "", "kind": "thing", "amount": 1, "active": True}
    create_product(context.scope, work_values, actor="test")


@api_view(
    context=ApiV1,
    method="POST",
    name="told",
    summary="Be told by another server",
    permission=PUBLIC,
    status=204,
    takes_idempotency_key=False,
)
def told(context, request):
    put_work(context, request)


@hookimpl
def register_views(config: Configurator) -> None:
    config.scan(__name__)
