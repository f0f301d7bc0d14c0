"""Attributes of requests: the organisation (see `addressing`), the scope, and the caller as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.router import Router
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from webob.request import DisconnectionError

from autonomy_core.errors import BrokenOff
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import transaction_of
from autonomy_core.traversal.addressing import organisation_of
from autonomy_core.traversal.target import refused

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope


_SCOPE = "autonomy.scope"

ANSWERED_BY = "autonomy.answered_by"
"""The attribute of a request that was answered without traversal: the name of its resource's class."""


KEPT_PAGE = "autonomy.kept_page"
"""The attribute of a request whose answer is a page that all visitors get: it may be kept."""


def scope_of(request: Request) -> TenantScope:
    """The scope of a request. Views read ``context.scope``.

    It is in the request's own transaction until `leave_transaction`.
    """
    found: TenantScope | None = request.__dict__.get(_SCOPE)
    if found is None:
        found = request.__dict__[_SCOPE] = _scope_in_transaction(request)
    return found


def end_reading(request: Request) -> None:
    """Commit what traversal and the security policy have read, which frees the connection.

    The rest of the request runs in another transaction.
    """
    request.tm.commit()
    request.tm.begin()


def leave_transaction(request: Request) -> None:
    """Replace the request's scope by one that is in no transaction; the request's transaction stays empty."""
    before: TenantScope | None = request.__dict__.get(_SCOPE)
    if before is not None:
        # Detach the loaded objects, so that using them later does not begin a transaction.
        before.session.expunge_all()
        end_reading(request)
    request.__dict__[_SCOPE] = runtime_of(request.registry).scope_outside(request.organisation)


def return_to_transaction(request: Request) -> None:
    """Undo `leave_transaction`: the request's scope is in its transaction again."""
    request.__dict__.pop(_SCOPE, None)


@contextmanager
def reading_scope(request: Request) -> Iterator[TenantScope]:
    """The request's scope if it is in a transaction, else one in a transaction of its own."""
    scope = scope_of(request)
    if transaction_of(scope) is not None:
        yield scope
        return
    with scope.begin() as own:
        yield own


def _scope_in_transaction(request: Request) -> TenantScope:
    made = runtime_of(request.registry).request_scope(request.organisation, request.tm)
    # Return the connection to the pool when the request ends, even after an error.
    request.add_finished_callback(lambda _: close(made.session))
    return made


def close(session: Session) -> None:
    """Close a session. If the database has ended its connection, discard it without affecting the answer."""
    try:
        session.close()
    except DBAPIError:
        session.invalidate()


def actor(request: Request) -> str:
    """The caller of the request as text, for the audit log; ``request.identity`` is for decisions."""
    identity = request.identity
    return f"{identity.kind}:{identity.id}" if identity else "nobody"


def make_request_class_once(app: Router) -> None:
    """Add the request attributes to one class. Pyramid would create a class for each request."""
    added = app.request_extensions
    app.request_factory = type("Request", (Request,), {"__module__": __name__, **added.descriptors})
    app.request_extensions = SimpleNamespace(methods=added.methods, descriptors={})


def refuse_broken_bodies(app: Router) -> None:
    """Answer disconnected clients like other errors, even if their body is read before the application runs.

    pyramid_retry copies small bodies first, outside of the exception views.
    """
    policy = app.execution_policy

    def refusing(environ: dict[str, Any], router: Router) -> Response:
        try:
            return policy(environ, router)
        except DisconnectionError:
            return policy(refused(environ, BrokenOff()), router)

    app.execution_policy = refusing


def includeme(config: Configurator) -> None:
    """Add the request attributes."""
    config.add_request_method(actor, reify=True)
    config.add_request_method(organisation_of, "organisation", reify=True)
