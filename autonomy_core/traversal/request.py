"""What a request knows of itself."""

from __future__ import annotations

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
from autonomy_core.traversal.addressing import organisation_of
from autonomy_core.traversal.target import refused

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime
    from autonomy_core.kernel.scope import TenantScope


def runtime(request: Request) -> Runtime:
    """The process's collaborators."""
    return request.registry.runtime


def scope(request: Request) -> TenantScope:
    """The organisation, its session and its hooks: what services of this request get."""
    made = request.runtime.request_scope(request.organisation, request.tm)
    # When the request is over, whatever came of it: the connection goes back to the pool.
    request.add_finished_callback(lambda _: close(made.session))
    return made


def close(session: Session) -> None:
    """Give a session's connection back, if the database has not ended it: the answer is not spoilt by that."""
    try:
        session.close()
    except DBAPIError:
        session.invalidate()


def db(request: Request) -> Session:
    """The session of this request, which sees the organisation's rows and is committed with the request.

    Raises:
        RuntimeError: the view has no transaction of the request's.
    """
    return request.scope.session


def actor(request: Request) -> str:
    """Who is asking, for the audit."""
    identity = request.identity
    return f"{identity.kind}:{identity.id}" if identity else "nobody"


def make_request_class_once(app: Router) -> None:
    """Put the attributes that were added to requests onto one class; Pyramid makes a new class for each request."""
    added = app.request_extensions
    app.request_factory = type("Request", (Request,), {"__module__": __name__, **added.descriptors})
    app.request_extensions = SimpleNamespace(methods=added.methods, descriptors={})


def refuse_broken_bodies(app: Router) -> None:
    """Have bodies that break off refused like anything else, when they are read before the application begins.

    pyramid_retry copies small bodies first, outside of all that answers for errors.
    """
    policy = app.execution_policy

    def refusing(environ: dict[str, Any], router: Router) -> Response:
        try:
            return policy(environ, router)
        except DisconnectionError:
            return policy(refused(environ, BrokenOff()), router)

    app.execution_policy = refusing


def includeme(config: Configurator) -> None:
    """Add the attributes."""
    for method in (runtime, scope, db, actor):
        config.add_request_method(method, reify=True)
    config.add_request_method(organisation_of, "organisation", reify=True)
