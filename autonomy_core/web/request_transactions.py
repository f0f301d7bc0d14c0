"""The two kinds of transaction that a view can have; see docs/transactions.md.

- ``request``: pyramid_tm begins a transaction for each request. It commits after the view, unless
  `commit_veto` objects. The session of the scope joins it: see `kernel.runtime.Runtime.request_scope`.
- ``none``: the view's service begins transactions with `kernel.scope.TenantScope.begin`. Each is committed at
  the end of its block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.errors import AutonomyError
from autonomy_core.traversal.request import leave_transaction

Transaction = Literal["request", "none"]
"""``request``: a view works in the request's transaction. ``none``: it begins its own with `scope.begin`."""

View = Callable[[Any, Request], Response]


def without_transaction(view: View, info: Any) -> View:
    """Call a view that begins its own transactions outside of a transaction. This is a view deriver.

    It runs after the permission check. From here on, the request's transaction stays empty, so that a retry
    of the request would repeat nothing.
    """
    declared = info.options.get("operation") or info.options.get("page")
    if declared is None or declared.transaction == "request":
        return view

    def outside(context: Any, request: Request) -> Response:
        leave_transaction(request)
        return view(context, request)

    return outside


def commit_veto(request: Request, response: Response) -> bool:
    """Roll back if the answer is an error, unless the error has ``commits``. pyramid_tm calls this."""
    error = getattr(request, "exception", None)
    if isinstance(error, AutonomyError) and error.commits:
        return False
    return response.status_int >= 400


def includeme(config: Configurator) -> None:
    """Register the deriver after the permission check, and before all code that uses the scope."""
    config.add_view_deriver(
        without_transaction, name="without_transaction", under="secured_view", over="decorated_view"
    )
