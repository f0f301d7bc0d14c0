"""``autonomy payments export`` and ``autonomy payments figures``: the ledger of an organisation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import click

from autonomy_core.accounting.export import export, record_export
from autonomy_core.accounting.figures import TooManyFigures, report
from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_json, print_rows
from autonomy_core.cli.parameters import IdentifierType
from autonomy_core.cli.payments import payments
from autonomy_core.currencies import CURRENCIES
from autonomy_core.kernel.settlements import PaymentStatus

SUMS = ("sales", "gross", "refunds", "disputes", "disputes_returned", "total", "settled", "fees", "net")

ENVIRONMENT = click.Choice(["test", "live"])
CURRENCY = click.Choice(sorted(CURRENCIES))


class DayType(click.ParamType):
    """A day."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the date, or raise a usage error."""
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            self.fail(f"{value!r} is no day; one looks like 2026-11-30", param, ctx)


@payments.command("export")
@click.argument("organisation_id", metavar="ORG")
@click.option("--from", "first_day", type=DayType(), help="Only payments opened on this day or later.")
@click.option("--to", "last_day", type=DayType(), help="Only payments opened on this day or earlier.")
@click.option("--status", type=click.Choice([str(each) for each in PaymentStatus]), help="Only this status.")
@click.option("--environment", type=ENVIRONMENT, help="Only payments in this environment.")
@click.option("--product", "product_id", type=IdentifierType(), help="Only payments for this product.")
@click.option("--customer", "customer_id", type=IdentifierType(), help="Only payments of this customer.")
@click.option("--email", help="Only payments of customers with this address.")
@click.option("--coupon", help="Only payments with this coupon.")
@pass_cli
def export_payments(cli: CliContext, organisation_id: str, **filters: Any) -> None:
    """Write payments as CSV, newest first."""
    with cli.records(organisation_id) as scope:
        organisation = scope.organisation
    outside = cli.scope_of(organisation)
    record_export(outside, filters, actor=cli.actor)
    for part in export(outside, filters):
        click.echo(part, nl=False)


@payments.command("figures")
@click.argument("organisation_id", metavar="ORG")
@click.option(
    "--from", "first_day", type=DayType(), help="The first day; by default 30 days before the last."
)
@click.option("--to", "last_day", type=DayType(), help="The last day; by default today.")
@click.option("--by", "unit", type=click.Choice(["day", "month"]), default="day", show_default=True)
@click.option("--environment", type=ENVIRONMENT, help="Only figures of this environment.")
@click.option(
    "--currency", type=CURRENCY, metavar="CURRENCY", help="Only figures in this currency, such as eur."
)
@click.option("--product", "product_id", type=IdentifierType(), help="Only figures of this product.")
@json_option
@pass_cli
def show_figures(
    cli: CliContext, organisation_id: str, *, as_json: bool, unit: Literal["day", "month"], **wishes: Any
) -> None:
    """Show figures of days or months.

    What was collected, refunded, disputed and returned, and what the provider kept. Amounts are in the minor
    unit of the currency. Days are days in the organisation's time zone.
    """
    try:
        with cli.records(organisation_id) as scope:
            found = report(scope, unit=unit, **wishes)
    except TooManyFigures as error:
        raise Failure(str(error)) from None
    items = [_row(each, "period", "environment", "currency", "product") for each in found["items"]]
    if as_json:
        totals = [_row(each, "environment", "currency") for each in found["totals"]]
        print_json({"time_zone": found["time_zone"], "items": items, "totals": totals})
    else:
        print_rows(items, as_json=False, nothing="nothing happened in this time")


def _row(figure: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: figure[name] for name in names} | {name: getattr(figure["sums"], name) for name in SUMS}
