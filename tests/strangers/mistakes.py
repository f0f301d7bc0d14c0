"""Mistakes of plugin authors. mypy reports the lines marked as wrong, and no others."""

from gift_wrap.schemas import NoteSchema
from pyramid.request import Request

from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import Admin, Customers
from autonomy_core.plugin_api.scope import TenantScope


@api_view(context=Admin, method="GET", summary="Right", permission=PUBLIC, returns=NoteSchema)
def right(context: Admin, request: Request) -> None: ...


@api_view(context=Admin, method="GET", summary="Misspelt", permission=PUBLIC, return_=NoteSchema)  # wrong
def misspelt(context: Admin, request: Request) -> None: ...


@api_view(context=Admin, method="GTE", summary="No method", permission=PUBLIC)  # wrong
def no_method(context: Admin, request: Request) -> None: ...


@api_view(context=Admin, method="GET", summary="An instance", permission=PUBLIC, body=NoteSchema())  # wrong
def an_instance(context: Admin, request: Request) -> None: ...


@api_view(context=Admin, method="GET", summary="Set by the core", permission=PUBLIC, plugin="other")  # wrong
def set_by_the_core(context: Admin, request: Request) -> None: ...


@api_view(context=Admin, method="GET", summary="Another node", permission=PUBLIC)  # wrong
def another_node(context: Customers, request: Request) -> None: ...


@api_view(context=Admin, method="GET", summary="No request", permission=PUBLIC)  # wrong
def no_request(context: Admin) -> None: ...


@api_view(context=Admin, method="GET", permission=PUBLIC)  # wrong
def no_summary(context: Admin, request: Request) -> None: ...


def send(scope: TenantScope, *, customer_id: str) -> None: ...


def without_scope(customer_id: str) -> None: ...


def with_nothing() -> None: ...


def with_an_answer(scope: TenantScope) -> int:
    return 1


Job("gift_wrap.right", send)
Job("gift_wrap.wrong_scope", without_scope)  # wrong
Job("gift_wrap.nothing", with_nothing)  # wrong
Job("gift_wrap.answer", with_an_answer)  # wrong
Job("gift_wrap.text", send, every="daily")  # wrong
Job("gift_wrap.misspelt", send, max_attempt=3)  # wrong
