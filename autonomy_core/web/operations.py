"""`api_view`: a view that says what it takes and gives.

What it says is used three times: to read and check the request, to write the answer, and to describe the
call in the organisation's OpenAPI document. A view thereby cannot drift from its description.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict, TypeVar, Unpack

import venusian
from marshmallow import Schema
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.viewderivers import VIEW
from pyramid_retry import BeforeRetry

from autonomy_core.callables import call_to_its_end
from autonomy_core.errors import AutonomyError
from autonomy_core.traversal.resources import Resource, plugin_enabled
from autonomy_core.traversal.target import LARGEST_BODY
from autonomy_core.web.reading import NoQuery, load_body, load_query
from autonomy_core.web.request_transactions import Transaction

__all__ = ["PUBLIC", "Details", "Method", "Operation", "api_view", "expect_large_body"]

PUBLIC = NO_PERMISSION_REQUIRED
"""The permission of a call that anybody may make."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
"""The HTTP methods that a call can have; ``HEAD`` comes with ``GET``."""

ContextT = TypeVar("ContextT", bound=Resource)
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API.

    Attributes:
        context: the class of the nodes on which it is made.
        method: the HTTP method.
        name: the view's name; empty for the node itself.
        summary: one line.
        permission: what the caller needs on the context; `PUBLIC` for nothing.
        body: the schema of the JSON body; loaded into ``request.validated``.
        query: the schema of the query string; loaded into ``request.query``. Without one no query is taken; an
            `OpenQuery` overlooks what it does not know.
        returns: the schema of the JSON answer; the view returns the object that it dumps.
        status: of a successful answer.
        also: further statuses of success that the view sets itself, with their schema.
        media: content types of an answer or of a body that are no JSON (``{"audio/mpeg": "the bytes"}``).
        takes: content type of a body that the view reads itself (``multipart/form-data``, or a raw body),
            with an OpenAPI schema of it.
        errors: the errors it may answer with, beside those every call has.
        parameters: header parameters, as OpenAPI objects.
        headers: headers of a successful answer, each with what it says.
        takes_idempotency_key: whether a POST can be repeated with the header ``Idempotency-Key``. It can, unless its
            caller is no client of the API, as with another server's webhooks.
        transaction: ``request``: the view works in the request's own transaction, which is committed when it has answered,
            and is tried again when it collides. ``none``: the view begins its own with ``scope.begin()``, for example
            to call another server in between; see docs/transactions.md.
        plugin: whose call it is; None for the core's. Set at registration.
        id: the name of the view's function. Set at registration.
    """

    context: type[Resource]
    method: Method
    name: str
    summary: str
    permission: str
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    returns: type[Schema] | None = None
    status: int = 200
    also: Mapping[int, type[Schema] | None] = field(default_factory=dict)
    media: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: Sequence[type[AutonomyError]] = ()
    parameters: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_idempotency_key: bool = True
    transaction: Transaction = "request"
    description: str | None = None
    plugin: str | None = None
    id: str = ""

    @property
    def is_repeatable(self) -> bool:
        """Whether a client that sends an ``Idempotency-Key`` can repeat it without its happening twice."""
        return self.method == "POST" and self.takes_idempotency_key


class Details(TypedDict, total=False):
    """What `api_view` can be told beside what every call has; `Operation` explains each.

    These are spelt out so that a type checker reports a misspelt one.
    """

    body: type[Schema] | None
    query: type[Schema] | None
    returns: type[Schema] | None
    status: int
    also: Mapping[int, type[Schema] | None]
    media: Mapping[str, str]
    takes: Mapping[str, Mapping[str, Any]]
    errors: Sequence[type[AutonomyError]]
    parameters: Sequence[Mapping[str, Any]]
    headers: Mapping[str, str]
    takes_idempotency_key: bool
    transaction: Transaction


def api_view(
    *,
    context: type[ContextT],
    method: Method,
    summary: str,
    permission: str,
    name: str = "",
    **details: Unpack[Details],
) -> Callable[[Callable[[ContextT, Request], AnswerT]], Callable[[ContextT, Request], AnswerT]]:
    """Register a function ``view(context, request)`` as one call of the API; found by ``config.scan``.

    Args:
        context, method, summary, permission, name: as `Operation` explains them.
        details: as `Details` lists and `Operation` explains them.

    Raises:
        TypeError: there is no such detail.
    """

    def decorate(view: Callable[[ContextT, Request], AnswerT]) -> Callable[[ContextT, Request], AnswerT]:
        operation = Operation(
            context,
            method,
            name,
            summary,
            permission,
            plugin=None,
            id=view.__name__,
            description=view.__doc__,
            **details,
        )

        def register(scanner: Any, attached_name: str, wrapped: Any) -> None:
            config = scanner.config.with_package(info.module)
            plugin = config.registry.runtime.plugins.of_package(config.package.__name__)
            # Where the view is, for messages about conflicts; it would be this line otherwise.
            config.add_operation(replace(operation, plugin=plugin), wrapped, _info=info.codeinfo)

        info = venusian.attach(view, register, category="pyramid")
        return view

    return decorate


def add_operation(config: Configurator, operation: Operation, view: Callable[..., Any]) -> None:
    """Directive: register the view, and remember the operation for the API description."""
    config.add_view(
        view,
        context=operation.context,
        name=operation.name,
        request_method=operation.method,
        permission=operation.permission,
        operation=operation,
    )
    config.registry.operations.append(operation)


def validated_view(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """View deriver: load what the operation takes, dump what it gives."""
    operation: Operation | None = info.options.get("operation")
    if operation is None:
        return view
    # Once, because to make a schema costs more than to dump with it.
    dumping = {
        schema: schema() for schema in (operation.returns, *operation.also.values()) if schema is not None
    }

    def wrapper(context: Any, request: Request) -> Any:
        # Most requests have no query, and most calls want none.
        if operation.query is not None or request.query_string:
            request.query = load_query(request, operation.query or NoQuery)
        if operation.body is not None:
            request.validated = load_body(request, operation.body)
        # Before the view, so that it may set one of the further statuses.
        request.response.status_int = operation.status
        answer = call_to_its_end(view, context, request)
        if isinstance(answer, Response):
            return answer
        request.response.headers.setdefault("Cache-Control", "no-store")
        schema = operation.also.get(request.response.status_int, operation.returns)
        if (answer is None) != (schema is None):
            declared = schema.__name__ if schema else None
            raise TypeError(f"view {operation.id} returned a {type(answer).__name__}; it declares {declared}")
        if schema is None:
            request.response.content_type = None
            return request.response
        return _in_json(request.response, dumping[schema].dump(answer))

    return wrapper


validated_view.options = ("operation",)  # type: ignore[attr-defined]


def methods_allowed(request: Request) -> list[str]:
    """The methods that the resource of a request takes from this organisation's plugins."""
    context = getattr(request, "context", None)
    if not isinstance(context, Resource) or getattr(request, "subpath", None):
        return []
    view_name = getattr(request, "view_name", "")
    found = {
        operation.method
        for operation in request.registry.operations
        if isinstance(context, operation.context)
        and operation.name == view_name
        and plugin_enabled(request, operation.plugin)
    } | _plain_methods(request.registry, context, view_name)
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def expect_large_body(request: Request, most_bytes: int) -> None:
    """Let the server take a body of more than two megabytes for this request; call it before the body is read.

    `autonomy serve` runs a view whose body is large, or slow to come, once before it has arrived, up to where the view
    begins to read it. Whom the view refuses until then is not waited for. Then the body is received, and the view runs
    again, whole. So nothing that lasts may be done before the body is read. Other servers run a view once.

    Args:
        most_bytes: how large the body may be.
    """
    if (wanted := request.environ.get(LARGEST_BODY)) is not None:
        wanted.most_bytes = most_bytes


def _plain_methods(registry: Any, context: Resource, view_name: str) -> set[str]:
    """The methods of the core's views that are no part of an organisation's API, such as `/health/ready`."""
    if not hasattr(registry, "plain_methods"):
        plain: dict[Any, set[str]] = defaultdict(set)
        for entry in registry.introspector.get_category("views", ()):
            view = entry["introspectable"]
            if getattr(view["callable"], "__module__", "").startswith("autonomy_core."):
                methods = view["request_methods"] or ()
                plain[view["context"], view["name"]].update(
                    (methods,) if isinstance(methods, str) else methods
                )
        registry.plain_methods = plain
    return set(registry.plain_methods.get((type(context), view_name), ()))


def _in_json(response: Response, answer: Any) -> Response:
    # Not by a renderer: what Pyramid does around one costs more than to write the JSON.
    response.headers["Content-Type"] = "application/json"
    response.body = json.dumps(answer).encode()
    return response


def rewind_body(event: BeforeRetry) -> None:
    """Subscriber: a request that is tried again has its body from the beginning; pyramid_retry leaves it read."""
    event.request.make_body_seekable()


def includeme(config: Configurator) -> None:
    """Make the directive and the deriver known."""
    config.registry.operations = []
    config.add_directive("add_operation", add_operation)
    config.add_subscriber(rewind_body, BeforeRetry)
    config.add_view_deriver(validated_view, name="validated_view", under="rendered_view", over=VIEW)
