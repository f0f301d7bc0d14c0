"""Actions in Stripe's dashboard and of the buyer's bank on a paid session: refunds and disputes."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config

from stripe_simulator import disputes, parameters
from stripe_simulator.api.refunds import REASONS
from stripe_simulator.control import find, with_account
from stripe_simulator.errors import StripeError
from stripe_simulator.parameters import Boolean, Integer, Parameters, Text
from stripe_simulator.schemas import between, one_of
from stripe_simulator.state import Record

ANY_AMOUNT = between(1, 99_999_999)


class RefundForm(Parameters):
    """A refund in the dashboard; ``status`` is its initial status."""

    amount = Integer(load_default=None, validate=ANY_AMOUNT)
    reason = Text(load_default=None, validate=one_of(*REASONS))
    status = Text(load_default=None, validate=one_of("succeeded", "pending", "requires_action"))


class DisputeForm(Parameters):
    """A dispute that the buyer's bank opens."""

    amount = Integer(load_default=None, validate=ANY_AMOUNT)
    reason = Text(load_default="fraudulent", validate=one_of(*disputes.REASONS))
    inquiry = Boolean(load_default=False)


class OutcomeForm(Parameters):
    """The outcome of a dispute."""

    outcome = Text(required=True, validate=one_of("won", "lost"))


def includeme(config: Configurator) -> None:
    """Register the endpoints."""
    for name, pattern in (
        ("refund session", "sessions/{id}/refund"),
        ("fail refund", "refunds/{id}/fail"),
        ("succeed refund", "refunds/{id}/succeed"),
        ("dispute session", "sessions/{id}/dispute"),
        ("escalate dispute", "disputes/{id}/escalate"),
        ("appeal dispute", "disputes/{id}/appeal"),
        ("close dispute", "disputes/{id}/close"),
    ):
        config.add_route(name, f"/_simulator/{pattern}", request_method="POST")
    config.scan(__name__)


@view_config(route_name="refund session", renderer="json")
def refund(request: Request) -> dict[str, Any]:
    """``amount=``, ``reason=``, ``status=``, all optional: refund a session's payment."""
    wanted = _load(request, RefundForm())
    made = request.simulator.refunds.create(_charge(request), **wanted)
    return with_account(made)


@view_config(route_name="fail refund", renderer="json")
def fail(request: Request) -> dict[str, Any]:
    """Fail a refund, even one that has succeeded: the buyer's bank returns the money."""
    return with_account(request.simulator.refunds.settle(find(request, "refund"), "failed"))


@view_config(route_name="succeed refund", renderer="json")
def succeed(request: Request) -> dict[str, Any]:
    """Let a pending refund succeed."""
    return with_account(request.simulator.refunds.settle(find(request, "refund"), "succeeded"))


@view_config(route_name="dispute session", renderer="json")
def dispute(request: Request) -> dict[str, Any]:
    """``amount=``, ``reason=``, ``inquiry=true``, all optional: dispute a session's payment."""
    wanted = _load(request, DisputeForm())
    return with_account(request.simulator.disputes.open(_charge(request), **wanted))


@view_config(route_name="escalate dispute", renderer="json")
def escalate(request: Request) -> dict[str, Any]:
    """Turn an inquiry into a chargeback."""
    return with_account(request.simulator.disputes.escalate(find(request, "dispute")))


@view_config(route_name="appeal dispute", renderer="json")
def appeal(request: Request) -> dict[str, Any]:
    """Start an appeal against the decision about a lost dispute."""
    return with_account(request.simulator.disputes.appeal(find(request, "dispute")))


@view_config(route_name="close dispute", renderer="json")
def close(request: Request) -> dict[str, Any]:
    """``outcome=won`` or ``lost``: close a dispute; a lost one can still be won."""
    wanted = _load(request, OutcomeForm())
    return with_account(request.simulator.disputes.close(find(request, "dispute"), **wanted))


def _load(request: Request, schema: Parameters) -> dict[str, Any]:
    return parameters.load(schema, parameters.parse(request.POST.items()))


def _charge(request: Request) -> Record:
    """Return the charge of the session in the path.

    Raises StripeError (409) before the first attempt to pay.
    """
    ledger = request.simulator.ledger
    intent = ledger.get("payment_intent", find(request, "session").body["payment_intent"] or "")
    charge: Record | None = intent and ledger.get("charge", intent.body["latest_charge"] or "")
    if charge is None:
        raise StripeError("Nothing has been paid for this session.", status=409)
    return charge
