"""``autonomy alarms``: faults that an operator has to repair."""

from __future__ import annotations

from dataclasses import asdict

import click

from autonomy_core.alarms.services import alarms_of, clear_alarm, count_alarms
from autonomy_core.audit.services import record
from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_rows
from autonomy_core.cli.parameters import NumberType
from autonomy_core.kernel.runtime import runtime_of


@click.group()
def alarms() -> None:
    """List and clear alarms: faults that an operator has to repair."""


@alarms.command()
@json_option
@pass_cli
def count(cli: CliContext, *, as_json: bool) -> None:
    """Count the alarms of every organisation."""
    counts = runtime_of(cli).database.ask(count_alarms)
    print_rows([asdict(each) for each in counts], as_json=as_json, nothing="no alarms")


@alarms.command("list")
@click.argument("organisation_id", metavar="ORG")
@click.option("--limit", default=100, show_default=True, type=NumberType(1, 10_000), help="How many at most.")
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, limit: int, *, as_json: bool) -> None:
    """List an organisation's alarms, oldest first."""
    names = ("name", "subject", "message", "raised_at")
    with cli.records(organisation_id) as scope:
        rows = [{name: getattr(alarm, name) for name in names} for alarm in alarms_of(scope, limit)]
    print_rows(rows, as_json=as_json, nothing="no alarms")


@alarms.command()
@click.argument("organisation_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@click.argument("subject", metavar="SUBJECT")
@pass_cli
def clear(cli: CliContext, organisation_id: str, name: str, subject: str) -> None:
    """Clear the alarm of a repaired fault; the audit trail records it."""
    with cli.records(organisation_id) as scope:
        if not clear_alarm(scope, name, subject):
            raise Failure(f"{organisation_id} has no alarm {name!r} {subject!r}; see: autonomy alarms list")
        target = f"alarm:{name}:{subject}"
        record(scope, actor=cli.actor, action="alarm.cleared", target=target)
    click.echo(f"cleared {name} {subject}")
