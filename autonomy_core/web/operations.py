"""`api_view`: declares a view with its input and output.

The declaration has three uses: it validates the request, serialises the answer, and describes the call in the
organisation's OpenAPI document. So the view and its description cannot diverge.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
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
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.traversal.resources import Resource, plugin_enabled
from autonomy_core.traversal.target import LARGEST_BODY
from autonomy_core.web.reading import NoQuery, load_body, load_query
from autonomy_core.web.request_transactions import Transaction

__all__ = ["PUBLIC", "Details", "Method", "Operation", "api_view", "expect_large_body"]

PUBLIC = NO_PERMISSION_REQUIRED
"""The permission of views that need no authentication."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""The HTTP methods of views. ``GET`` includes ``HEAD``."""

ContextT = TypeVar("ContextT", bound=Resource)
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API.

    Attributes:
        context: the class of its context nodes.
        method: the HTTP method.
        name: the name of the view; empty for the node itself.
        summary: one line.
        permission: the permission that the caller needs on the context; `PUBLIC` for none.
        body: the schema of the JSON body, which is loaded into ``request.validated``.
        query: the schema of the query string, which is loaded into ``request.query``. Without a schema, a
            query is rejected. An `OpenQuery` ignores unknown parameters.
        returns: the schema of the JSON answer. It dumps the object that the view returns.
        status: the status of a successful answer.
        also: other statuses of success that the view may set, with their schemas.
        media: content types of answers or bodies that are not JSON (``{"audio/mpeg": "the bytes"}``).
        takes: content types of bodies that the view reads itself (``multipart/form-data``, or a raw body),
            with their OpenAPI schemas.
        errors: errors that the call may answer, in addition to those of every call.
        parameters: header parameters, as OpenAPI objects.
        headers: headers of a successful answer, with their descriptions.
        takes_idempotency_key: whether a POST can be repeated with the header ``Idempotency-Key``. Set it to
            False if the caller is no client of the API, for example for webhooks of another server, or if the
            input is in headers.
        transaction: ``request``: the view works in the request's transaction, which is committed after the
            view returns, and retried after a collision. ``none``: the view begins its transactions with
            ``scope.begin()``, for example to call another server between them. See docs/transactions.md.
        description: the docstring of the view's function.
        plugin: the name of the plugin; None for the core. Set at registration.
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
        """Whether clients can repeat the call safely with an ``Idempotency-Key``."""
        return self.method == "POST" and self.takes_idempotency_key


class Details(TypedDict, total=False):
    """The optional arguments of `api_view`. `Operation` documents them.

    They are listed, so that type checkers report misspelt ones.
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
    """Register a function ``view(context, request)`` as one call of the API. ``config.scan`` finds it.

    Args:
        context, method, summary, permission, name: see `Operation`.
        details: the arguments in `Details`; see `Operation`.

    Raises:
        TypeError: an argument is unknown.
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
            plugin = runtime_of(config.registry).plugins.of_package(config.package.__name__)
            # Without it, messages about conflicts would show this line instead of the view's.
            config.add_operation(replace(operation, plugin=plugin), wrapped, _info=info.codeinfo)

        info = venusian.attach(view, register, category="pyramid")
        return view

    return decorate


def add_operation(config: Configurator, operation: Operation, view: Callable[..., Any]) -> None:
    """Register the view, and add the operation to the API description. This is a directive."""
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
    """Load the input of an operation, and dump its result. This is a view deriver."""
    operation: Operation | None = info.options.get("operation")
    if operation is None:
        return view
    # Create each schema once: creating it costs more than dumping with it.
    dumping = {
        schema: schema() for schema in (operation.returns, *operation.also.values()) if schema is not None
    }

    def wrapper(context: Any, request: Request) -> Any:
        # Skip this for the most common case: no query, and none declared.
        if operation.query is not None or request.query_string:
            request.query = load_query(request, operation.query or NoQuery)
        if operation.body is not None:
            request.validated = load_body(request, operation.body)
        # Set it before the view runs, so that the view may set another one.
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
    """The methods of a request's resource that the core and the organisation's plugins provide."""
    context = getattr(request, "context", None)
    if not isinstance(context, Resource) or getattr(request, "subpath", None):
        return []
    view_name = getattr(request, "view_name", "")
    found = {
        declared.method
        for declared in chain(request.registry.operations, request.registry.pages)
        if isinstance(context, declared.context)
        and declared.name == view_name
        and plugin_enabled(request, declared.plugin)
    } | _plain_methods(request.registry, context, view_name)
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def expect_large_body(request: Request, most_bytes: int, *, keeps_part: bool = False) -> None:
    """Accept a body of more than two megabytes for this request. Call it before reading the body.

    If a body is large or arrives slowly, `autonomy serve` first runs the view without the body, up to the
    point where it reads the body. So if the view rejects the request before, the server does not receive the
    body. Otherwise the server receives the body and runs the view again from the start. Therefore, the view
    must not have lasting effects before it reads the body. Other servers run a view once.

    Args:
        request: the request.
        most_bytes: the maximum size of the body, in bytes.
        keeps_part: whether the view runs also if the connection ends in the middle of the body. It then gets
            what has arrived as a complete body. The client gets no answer.
    """
    if (wanted := request.environ.get(LARGEST_BODY)) is not None:
        wanted.most_bytes, wanted.keeps_part = most_bytes, keeps_part


def _plain_methods(registry: Any, context: Resource, view_name: str) -> set[str]:
    """The methods of the core's views that are not in an organisation's API, such as `/health/ready`."""
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
    # Not a renderer: Pyramid's machinery around a renderer costs more than writing the JSON.
    response.headers["Content-Type"] = "application/json"
    response.body = json.dumps(answer).encode()
    return response


def rewind_body(event: BeforeRetry) -> None:
    """Rewind the body before a request is retried, which pyramid_retry does not. This is a subscriber."""
    event.request.make_body_seekable()


def includeme(config: Configurator) -> None:
    """Register the directive, the view deriver and the subscriber."""
    config.registry.operations = []
    # Pages are declared above this package, see `autonomy_core.pages.operations`.
    config.registry.pages = []
    config.add_directive("add_operation", add_operation)
    config.add_subscriber(rewind_body, BeforeRetry)
    config.add_view_deriver(validated_view, name="validated_view", under="rendered_view", over=VIEW)
