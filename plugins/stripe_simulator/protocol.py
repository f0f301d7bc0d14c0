"""The protocol of all API calls: key, version, form parameters, idempotency key, request id."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from stripe_simulator import objects, parameters, versions
from stripe_simulator.api import ROUTES, Route
from stripe_simulator.api.call import Call
from stripe_simulator.errors import StripeError
from stripe_simulator.idempotency import StoredAnswer
from stripe_simulator.identifiers import account_of, new_id

TEST_KEY = re.compile(r"^sk_test_[A-Za-z0-9_]{4,}$", re.ASCII)
LIVE_KEY = re.compile(r"^sk_live_[A-Za-z0-9_]{4,}$", re.ASCII)
FORM = "application/x-www-form-urlencoded"


def includeme(config: Configurator) -> None:
    """Register every route of the API."""
    config.add_request_method(lambda _: new_id("req", 14), "stripe_request_id", reify=True)
    for number, route in enumerate(ROUTES):
        config.add_route(f"api {number}", route.pattern, request_method=route.method)
        config.add_view(_view(route), route_name=f"api {number}")


def _view(route: Route) -> Callable[[Request], Response]:
    def view(request: Request) -> Response:
        simulator = request.simulator
        return simulator.faults.around(request.method, request.path, lambda: answer(request))

    def answer(request: Request) -> Response:
        account = _account(request)
        request.simulator.limiter.admit(account)
        version = version_of(request)
        return _respond(request, _answer(request, route, account, version), version)

    return view


def _account(request: Request) -> str:
    """Return the id of the account of the request's key."""
    key = _key(request.headers.get("Authorization", ""))
    if not key:
        raise StripeError("Give a secret key: Authorization: Bearer sk_test_…", status=401)
    simulator = request.simulator
    if simulator.takes_live_keys and LIVE_KEY.match(key):
        simulator.ledger.live_accounts.add(account_of(key))
    elif not TEST_KEY.match(key):
        shown = f"{key[:8]}…" if key.startswith(("sk_", "pk_", "rk_")) else "what was sent"
        raise StripeError(f"The simulator accepts keys like sk_test_…; {shown} is not one.", status=401)
    return account_of(key)


def _key(authorization: str) -> str:
    """Return the key of ``Bearer KEY``, or the user name of ``Basic``; empty without one."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def version_of(request: Request) -> str:
    """Return the version of a request; the default is its account's.

    Raises StripeError for an unsupported version.
    """
    version = str(request.headers.get("Stripe-Version", versions.ACCOUNT_VERSION))
    if version not in versions.VERSIONS:
        supported = " and ".join(versions.VERSIONS)
        raise StripeError(f"The simulator supports {supported} only, not {version[:40]}.")
    return version


def _answer(request: Request, route: Route, account: str, version: str) -> StoredAnswer:
    is_json = request.method == "POST" and request.path.startswith("/v2/")
    pairs = [("body", request.text)] if is_json else _form(request)
    schema, given = route.schema(), _json(request) if is_json else parameters.parse(pairs)
    versions.check(schema, given, version)
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    call = Call(
        simulator=request.simulator,
        account=account,
        path=request.matchdict,
        parameters=parameters.load(schema, given),
        origin=request.application_url,
        cause={"id": request.stripe_request_id, "idempotency_key": key},
    )
    lock = call.simulator.locks.hold(_changed_object(call) if request.method == "POST" else None)
    if not key:
        with lock:
            return _perform(route, call)
    fingerprint = json.dumps([request.method, request.path, sorted(pairs)])
    digest = hashlib.sha256(fingerprint.encode()).hexdigest()
    return call.simulator.idempotency.once(account, key, digest, lambda: _perform(route, call), lock)


def _changed_object(call: Call) -> str | None:
    """Return the id of the object that a call changes: the one in its path, or the payment it refunds."""
    named = (call.path.get("id"), call.parameters.get("payment_intent"), call.parameters.get("charge"))
    return next((identifier for identifier in named if identifier), None)


def _form(request: Request) -> list[tuple[str, str]]:
    """Return the parameters in the order sent: from the body of a POST, otherwise from the query."""
    if request.method == "POST" and request.body and request.content_type != FORM:
        raise StripeError(f"The body of a POST must be {FORM}.")
    source = request.body if request.method == "POST" else request.query_string.encode()
    try:
        return parse_qsl(source.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise StripeError("The parameters are not percent-encoded UTF-8.") from None


def _json(request: Request) -> dict[str, Any]:
    """Return the parameters of a v2 call with a JSON body."""
    try:
        given = request.json_body
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise StripeError("The body must be a JSON object.")
    return {name: _numbered(value) for name, value in given.items()}


def _numbered(value: Any) -> Any:
    """Return a value whose lists are numbered dicts, as `parameters.parse` returns them."""
    if isinstance(value, list):
        return {str(number): _numbered(each) for number, each in enumerate(value)}
    return {name: _numbered(each) for name, each in value.items()} if isinstance(value, dict) else value


def _perform(route: Route, call: Call) -> StoredAnswer:
    """Perform the call. An error is a response too, and is replayed like one.

    A handler that raises an error has its writes rolled back; one that returns it has them committed.
    """
    ledger = call.simulator.ledger
    try:
        with ledger.transaction():
            if ledger.get("account", call.account) is None:
                ledger.put("account", call.account, call.account, objects.account(call.account))
            outcome = route.handler(call)
    except StripeError as error:
        outcome = error
    if isinstance(outcome, StripeError):
        return StoredAnswer(outcome.status, outcome.body, call.cause["id"])
    return StoredAnswer(200, outcome, call.cause["id"])


def _respond(request: Request, answer: StoredAnswer, version: str) -> Response:
    response = Response(json_body=versions.shown(answer.body, version), status=answer.status)
    if request.headers.get("Idempotency-Key") and request.method == "POST":
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = answer.request_id
    return response
