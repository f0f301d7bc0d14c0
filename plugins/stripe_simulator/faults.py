"""Simulated faults between a program and Stripe: errors, slow responses, connections that close midway.

A fault happens before the API performs the call, or, with ``after=true``, after it, so that only the response
is lost. It is never stored under an idempotency key: a retry gets the true response.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from stripe_simulator import parameters
from stripe_simulator.errors import StripeError, key_in_use, rate_limited
from stripe_simulator.parameters import Boolean, Integer, Parameters, Text
from stripe_simulator.schemas import between, one_of

KINDS: dict[str, Callable[[], StripeError] | None] = {
    "403": lambda: StripeError("The provided key does not have the required permissions.", status=403),
    "409": lambda: key_in_use("…"),
    "429": rate_limited,
    "500": lambda: StripeError("An error occurred at Stripe.", status=500, error_type="api_error"),
    "503": lambda: StripeError("Stripe cannot be reached.", status=503, error_type="api_error"),
    "close": None,
    "stall": None,
}
"""The kinds of faults, with the error for those that are errors."""


class FaultCreate(Parameters):
    """A fault to plan: its kind, its number and the affected calls."""

    status = Text(required=True, validate=one_of(*KINDS))
    times = Integer(load_default=1, validate=between(1, 10_000))
    method = Text(load_default="", validate=one_of("", "GET", "POST", "DELETE"))
    path = Text(load_default="/v1/")
    after = Boolean(load_default=False)
    seconds = Integer(load_default=30, validate=between(0, 3600))


@dataclass
class Fault:
    """A fault that affects ``times`` more calls whose path begins with ``path``."""

    status: str
    times: int
    method: str
    path: str
    after: bool
    seconds: int

    def concerns(self, method: str, path: str) -> bool:
        """Return whether a call is affected by this fault."""
        return self.times > 0 and self.method in ("", method) and path.startswith(self.path)


class Faults:
    """The planned faults, in the order of planning."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self.planned.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self.planned.clear()

    def close(self) -> None:
        """Release the calls that wait in a stall."""
        self._closing.set()

    def around(self, method: str, path: str, answer: Callable[[], Response]) -> Response:
        """Return the result of ``answer``, unless a fault is planned for this call.

        Raises StripeError if the fault is an error.
        """
        fault = self._take(method, path)
        if fault is None:
            return answer()
        response = answer() if fault.after else None
        if error := KINDS[fault.status]:
            raise error()
        if fault.status == "stall":
            self._closing.wait(fault.seconds)
            return response or answer()
        return _cut(response or Response(json_body={"error": {}}))

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self.planned if fault.concerns(method, path)), None)
            if fault is not None:
                fault.times -= 1
                self.planned = [planned for planned in self.planned if planned.times]
            return fault


def _cut(response: Response) -> Response:
    """Return ``response`` with half of its body.

    The server closes the connection because of the wrong length.
    """
    body = response.body
    response.app_iter = [body[: len(body) // 2]]
    response.content_length = len(body)
    return response


def includeme(config: Configurator) -> None:
    """Register the control endpoint."""
    config.add_route("faults", "/_simulator/faults")
    config.scan(__name__)


@view_config(route_name="faults", request_method="GET", renderer="json")
def show(request: Request) -> dict[str, Any]:
    """Return the planned faults."""
    return {"faults": [vars(fault) for fault in request.simulator.faults.planned]}


@view_config(route_name="faults", request_method="POST", renderer="json")
def plan(request: Request) -> dict[str, Any]:
    """``status=``, ``times=``, ``method=``, ``path=``, ``after=``, ``seconds=``: plan a fault."""
    wanted = parameters.load(FaultCreate(), parameters.parse(request.POST.items()))
    request.simulator.faults.plan(Fault(**wanted))
    return show(request)


@view_config(route_name="faults", request_method="DELETE", renderer="json")
def clear(request: Request) -> dict[str, Any]:
    """Remove all planned faults."""
    request.simulator.faults.clear()
    return show(request)
