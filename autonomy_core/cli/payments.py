"""``autonomy payments``: shows why a customer did not get a paid product, and ends a refund that hangs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from sqlalchemy import select

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_facts, print_json, print_lines, print_rows
from autonomy_core.cli.parameters import IdentifierType, NumberType
from autonomy_core.grants.models import Grant
from autonomy_core.payments.hook_runs import COMPLETED_HOOK
from autonomy_core.payments.models import HookRun, Payment, ReversalHookRun
from autonomy_core.payments.refunds import give_up_refund as give_up
from autonomy_core.payments.services import find_payment
from autonomy_core.payments.timeline import timeline

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope


@click.group()
def payments() -> None:
    """Show an organisation's payments and their effects; give up a refund."""


@payments.command("list")
@click.argument("organisation_id", metavar="ORG")
@click.option("--limit", default=20, show_default=True, type=NumberType(1, 1000), help="How many at most.")
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, limit: int, *, as_json: bool) -> None:
    """List the newest payments."""
    with cli.records(organisation_id) as scope:
        newest = select(Payment).order_by(Payment.id.desc()).limit(limit)
        rows = [_summary(payment) for payment in scope.session.scalars(newest)]
    print_rows(rows, as_json=as_json, nothing="no payments")


@payments.command()
@click.argument("organisation_id", metavar="ORG")
@click.argument("payment_id", metavar="PAYMENT_ID", type=IdentifierType())
@json_option
@pass_cli
def show(cli: CliContext, organisation_id: str, payment_id: UUID, *, as_json: bool) -> None:
    """Show a payment, its hook results and its grants."""
    with cli.records(organisation_id) as scope:
        found = _details(scope, payment_id)
    if as_json:
        print_json(found)
        return
    print_facts(found["payment"])
    print_rows(found["hook_runs"], as_json=False, nothing="no plugin has been notified of its completion")
    print_rows(found["grants"], as_json=False, nothing="it has granted nothing")


@payments.command()
@click.argument("organisation_id", metavar="ORG")
@click.argument("payment_id", metavar="PAYMENT_ID", type=IdentifierType())
@json_option
@pass_cli
def explain(cli: CliContext, organisation_id: str, payment_id: UUID, *, as_json: bool) -> None:
    """Show the history of a payment, in order.

    It contains events and their effects, hooks, grants, refunds and disputes.
    """
    with cli.records(organisation_id) as scope:
        entries = timeline(scope, _find(scope, payment_id))
    if as_json:
        print_json([{"at": entry.at, "kind": entry.kind, "detail": entry.detail} for entry in entries])
        return
    rows = [{"at": entry.at, "what": entry.kind, "detail": _in_words(entry.detail)} for entry in entries]
    print_lines(rows)


@payments.command("give-up-refund")
@click.argument("organisation_id", metavar="ORG")
@click.argument("refund_id", metavar="REFUND_ID", type=IdentifierType())
@click.option(
    "--provider-has-not-paid",
    "is_unpaid",
    is_flag=True,
    help="Confirm that the provider has not paid the refund; check there first.",
)
@pass_cli
def give_up_refund(cli: CliContext, organisation_id: str, refund_id: UUID, *, is_unpaid: bool) -> None:
    """End a refund that the provider never pays.

    For example because its plugin was removed. The amount can be refunded again afterwards. The audit trail
    records the caller.
    """
    if not is_unpaid:
        raise Failure(
            "make sure that the provider has not paid the refund, and confirm it with "
            "--provider-has-not-paid: otherwise the buyer may be paid twice",
            exit_code=2,
        )
    with cli.records(organisation_id) as scope:
        refund = give_up(scope, refund_id, actor=cli.actor)
        payment = find_payment(scope, refund.payment_id)
        currency = payment.currency if payment is not None else ""
    click.echo(
        f"gave up refund {refund_id}: {refund.amount} {currency} of payment {refund.payment_id} can be "
        "refunded again"
    )


def _in_words(value: Any) -> str:
    """Format a detail of the timeline as text: ``amount: 1200; agreed: amount, currency``."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_in_words(each)}" for name, each in value.items() if each is not None)
    return ", ".join(map(_in_words, value)) if isinstance(value, list) else str(value)


def _find(scope: TenantScope, payment_id: UUID) -> Payment:
    payment = find_payment(scope, payment_id)
    if payment is None:
        raise Failure(f"{scope.organisation.id} has no payment {payment_id}; see autonomy payments list")
    return payment


def _summary(payment: Payment) -> dict[str, Any]:
    return {
        "id": str(payment.id),
        "status": payment.status,
        "environment": payment.environment,
        "amount": payment.amount,
        "currency": payment.currency,
        "customer_id": str(payment.customer_id),
        "product_id": str(payment.product_id),
        "created_at": payment.created_at,
    }


def _details(scope: TenantScope, payment_id: UUID) -> dict[str, Any]:
    payment = _find(scope, payment_id)
    completion = scope.session.scalars(select(HookRun).where(HookRun.payment_id == payment_id))
    of_payment = select(ReversalHookRun).where(ReversalHookRun.payment_id == payment_id)
    runs = [
        *((COMPLETED_HOOK, run) for run in completion),
        *((run.hook, run) for run in scope.session.scalars(of_payment)),
    ]
    grants = scope.session.scalars(select(Grant).where(Grant.payment_id == payment_id))
    more = ("refunded_amount", "provider", "settled_by", "failure_reason", "completed_at")
    return {
        "payment": _summary(payment) | {name: getattr(payment, name) for name in more},
        "hook_runs": [
            {"hook": hook}
            | {name: getattr(run, name) for name in ("plugin", "outcome", "attempts", "last_error")}
            for hook, run in runs
        ],
        "grants": [
            {name: getattr(grant, name) for name in ("product_id", "plugin", "granted_at", "revoked_at")}
            for grant in grants
        ],
    }
