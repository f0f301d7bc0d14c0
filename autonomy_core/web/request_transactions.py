"""The two kinds of transaction that a view can have: see docs/transactions.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.errors import AutonomyError

Transaction = Literal["request", "none"]
"""``request``: the view works in the request's own. ``none``: the view begins its own, with `scope.begin`."""

View = Callable[[Any, Request], Response]


def end_reading(request: Request) -> None:
    """Commit what traversal and the security policy have read, and give the connection back.

    What the request does from here on is another transaction.
    """
    request.tm.commit()
    request.tm.begin()


def without_transaction(view: View, info: Any) -> View:
    """View deriver: a view that begins transactions of its own is called in none.

    It lies behind the permission. The request's own transaction stays empty from here on, so that there is nothing that
    a second attempt would repeat.
    """
    operation = info.options.get("operation")
    if operation is None or operation.transaction == "request":
        return view

    def outside(context: Any, request: Request) -> Response:
        # Read now and remembered: a public view has not asked yet, and authenticators read in the request's transaction.
        _ = request.identity
        made_for_traversal = request.__dict__.get("scope")
        if made_for_traversal is not None:
            # What was read can be read on, and begins no transaction when it is.
            made_for_traversal.session.expunge_all()
        end_reading(request)
        request.__dict__.pop("db", None)
        request.scope = request.runtime.scope_outside(request.organisation)
        return view(context, request)

    return outside


def commit_veto(request: Request, response: Response) -> bool:
    """Roll back what was refused, unless the refusal itself has something to keep."""
    error = getattr(request, "exception", None)
    if isinstance(error, AutonomyError) and error.commits:
        return False
    return response.status_int >= 400


def includeme(config: Configurator) -> None:
    """Put the deriver behind the permission, and around everything that works with the scope."""
    config.add_view_deriver(
        without_transaction, name="without_transaction", under="secured_view", over="decorated_view"
    )
