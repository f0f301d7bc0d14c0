"""Calls that do what their caller wants to see done."""

from marshmallow import fields, validate
from psycopg.errors import DeadlockDetected
from pyramid.response import Response
from pyramid_retry import RetryableException
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from autonomy_core.catalog.services import create_product
from autonomy_core.plugin_api.errors import Conflict
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import ApiV1, CustomerProduct, Resource
from autonomy_core.plugin_api.schemas import (
    ApiSchema,
    Identifier,
    NumberInText,
    StrictBoolean,
    Timestamp,
    WholeNumber,
)
from autonomy_core.plugin_api.security import Allow, Permission

attempts = []


class Trials(Resource):
    """``…/trials``"""


class AdminTrials(Resource):
    """``…/admin/trials``, for keys with the plugin's own scope"""

    __acl__ = ((Allow, "scope:trial.look", "trial.look"),)


class TrialDoor(Resource):
    """``…/customers/trial``, for callers without an identity too"""

    is_public = True


class PaymentTrial(Resource):
    """``…/admin/payments/{payment_id}/trial``"""


class Refused(Conflict):
    """Refused; nothing is kept."""

    code, title = "refused", "Refused"


class RefusedAndKept(Conflict):
    """Refused, and what was done is kept."""

    code, title = "refused_and_kept", "Refused and kept"
    commits = True


class TitleSchema(ApiSchema):
    title = fields.String(required=True)


class EchoSchema(ApiSchema):
    text = fields.String(required=True)
    number = WholeNumber()
    truth = StrictBoolean()
    id = Identifier()
    moment = Timestamp()


class NumbersSchema(ApiSchema):
    number = fields.List(NumberInText())


class NumbersShownSchema(ApiSchema):
    number = fields.List(fields.Integer())


class OrderSchema(ApiSchema):
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(
            ["done", "refused", "refused_and_kept", "answered", "crash", "again", "always", "deadlock"]
        ),
    )


@api_view(context=Trials, method="GET", summary="Look", permission=PUBLIC)
def look(context, request):
    return None


@api_view(context=Trials, method="GET", name="private", summary="Look closer", permission=Permission.OWN)
def look_closer(context, request):
    return None


@api_view(context=TrialDoor, method="GET", summary="Knock", permission=PUBLIC)
def knock(context, request):
    return None


@api_view(context=TrialDoor, method="GET", name="room", summary="Enter", permission=Permission.OWN)
def enter(context, request):
    return None


@api_view(context=AdminTrials, method="GET", summary="Look at all", permission="trial.look")
def look_at_all(context, request):
    return None


@api_view(
    context=PaymentTrial,
    method="GET",
    summary="Look at a payment",
    permission=Permission.READ_PAYMENTS,
    returns=EchoSchema,
)
def look_at_payment(context, request):
    return {"text": str(context.__parent__.payment.id)}


@api_view(context=ApiV1, method="GET", name="trial-of-the-root", summary="Look here", permission=PUBLIC)
def look_here(context, request):
    return None


@api_view(
    context=Trials,
    method="POST",
    name="echo",
    summary="Say it again",
    permission=PUBLIC,
    body=EchoSchema,
    returns=EchoSchema,
)
def echo(context, request):
    return request.validated


@api_view(
    context=Trials,
    method="GET",
    name="list",
    summary="Say numbers again",
    permission=PUBLIC,
    query=NumbersSchema,
    returns=NumbersShownSchema,
)
def list_numbers(context, request):
    return request.query


@api_view(
    context=Trials,
    method="POST",
    name="order",
    summary="Write a product, then do as told",
    permission=PUBLIC,
    body=OrderSchema,
    errors=(Refused, RefusedAndKept),
)
def order(context, request):
    attempts.append(request.validated["outcome"])
    write(context.scope, "after")
    return OUTCOMES[request.validated["outcome"]]()


@api_view(
    context=Trials,
    method="POST",
    name="steps",
    summary="Write a product, then another one and do as told",
    permission=PUBLIC,
    body=OrderSchema,
    transaction="none",
    errors=(Refused, RefusedAndKept),
)
def steps(context, request):
    attempts.append(request.validated["outcome"])
    with context.scope.begin() as own:
        write(own, "before")
    with context.scope.begin() as own:
        write(own, "after")
        return OUTCOMES[request.validated["outcome"]]()


@api_view(context=Trials, method="GET", name="db", summary="Ask", permission=PUBLIC, transaction="none")
def ask_the_session_of_the_scope(context, request):
    return context.scope.session.scalar(text("SELECT 1"))


@api_view(
    context=Trials,
    method="GET",
    name="caller",
    summary="Say who calls",
    permission=PUBLIC,
    returns=TitleSchema,
    transaction="none",
)
def say_who_calls(context, request):
    return {"title": request.actor.partition(":")[0]}


@api_view(
    context=CustomerProduct,
    method="GET",
    name="title",
    summary="Say what a product is called",
    permission=PUBLIC,
    returns=TitleSchema,
    transaction="none",
)
def say_the_title(context, request):
    return context.product


def answers(name, returns, answer):
    """A view that answers with what its description does not say."""

    def view(context, request):
        return answer()

    view.__name__ = name
    return api_view(
        context=Trials, method="GET", name=name, summary="Answer", permission=PUBLIC, returns=returns
    )(view)


async def nothing_awaits():
    """The work that a view has not done."""


forgets = answers("forgets", EchoSchema, lambda: None)
chatters = answers("chatters", None, lambda: {"text": "dropped"})
waits = answers("waits", EchoSchema, nothing_awaits)
yields = answers("yields", EchoSchema, lambda: (part for part in "text"))


def write(scope, title):
    values = {"title": title, "description": "", "kind": "thing", "amount": 1, "active": True}
    create_product(scope, values, actor="test")


def fail(error):
    raise error


def deadlock():
    """The error of SQLAlchemy when PostgreSQL ends this transaction to resolve a deadlock."""
    return OperationalError("UPDATE …", {}, DeadlockDetected("deadlock detected"))


OUTCOMES = {
    "done": lambda: None,
    "refused": lambda: fail(Refused()),
    "refused_and_kept": lambda: fail(RefusedAndKept()),
    "answered": lambda: Response(
        status=409,
        content_type="application/problem+json",
        json_body={
            "type": "urn:autonomy:problem:refused",
            "code": "refused",
            "title": "Refused",
            "status": 409,
        },
    ),
    "crash": lambda: 1 / 0,
    "again": lambda: fail(RetryableException()) if len(attempts) < 3 else None,
    "deadlock": lambda: fail(deadlock()) if len(attempts) < 3 else None,
    "always": lambda: fail(RetryableException()),
}
