"""``autonomy stripe events``: what Stripe has told an organisation, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sqlalchemy import select

from autonomy_core.plugin_api.commands import (
    CliContext,
    Failure,
    json_option,
    pass_cli,
    print_facts,
    print_json,
    print_rows,
)
from autonomy_core.plugin_api.errors import Unavailable
from stripe_payments.cli.selection import Selection, selected
from stripe_payments.events.fetching import complete_stored
from stripe_payments.events.inbox import replay as replay_event
from stripe_payments.models import EVENT_STATUSES, StripeEvent

SHOWN = ("event_id", "environment", "type", "status", "reason", "matched_by", "payment_id", "attempts")
IN_DETAIL = ("lookups", "source", "processed_at")


@click.group()
def events() -> None:
    """List, show and replay an organisation's events."""


def choosing(command: Any) -> Any:
    """The options that say which events are meant."""
    for option in (
        click.option("--until", type=click.DateTime(), help="Received before this time, UTC."),
        click.option("--since", type=click.DateTime(), help="Received at this time, UTC, or later."),
        click.option("--type", "event_type", help="Of this type, for example charge.refunded."),
        click.option("--status", type=click.Choice(EVENT_STATUSES), help="With this outcome."),
    ):
        command = option(command)
    return click.argument("organisation_id", metavar="ORG")(command)


@events.command("list")
@choosing
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many at most."
)
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, *, limit: int, as_json: bool, **chosen: Any) -> None:
    """List the newest events."""
    with cli.records(organisation_id) as scope:
        found = scope.session.scalars(selected(_selection(**chosen)).limit(limit))
        rows = [_summary(event) for event in found]
    print_rows(rows, as_json=as_json, nothing="no events")


@events.command()
@click.argument("organisation_id", metavar="ORG")
@click.argument("event_id", metavar="EVENT_ID")
@json_option
@pass_cli
def show(cli: CliContext, organisation_id: str, event_id: str, *, as_json: bool) -> None:
    """Show an event, as Stripe sent it, and what came of it."""
    with cli.records(organisation_id) as scope:
        event = scope.session.scalars(
            select(StripeEvent).where(StripeEvent.event_id == event_id)
        ).one_or_none()
        if event is None:
            raise Failure(f"{organisation_id} has no event {event_id!r}; see autonomy stripe events list")
        found = _summary(event) | {name: getattr(event, name) for name in IN_DETAIL}
        told = {"payload": event.payload} | ({"fetched": event.fetched} if event.fetched else {})
    if as_json:
        print_json({"event": found, **told})
        return
    print_facts(found)
    for part in told.values():
        print_json(part)


@events.command()
@choosing
@click.argument("event_ids", metavar="[EVENT_ID]…", nargs=-1)
@json_option
@pass_cli
def replay(
    cli: CliContext, organisation_id: str, event_ids: tuple[str, ...], *, as_json: bool, **chosen: Any
) -> None:
    """Handle events again, oldest first: those named, or those chosen.

    What was settled stays settled: to replay everything changes nothing. One that was set aside or has failed gets
    another chance.
    """
    if bool(event_ids) == any(chosen.values()):
        raise Failure(
            "say which: name events, or give options (--status, --type, --since, --until), not both;"
            " --since 1970-01-01 means all"
        )
    with cli.transaction(organisation_id) as scope:
        found = scope.session.execute(
            selected(_selection(ids=event_ids, **chosen), of=(StripeEvent.environment, StripeEvent.event_id))
        )
        names = [tuple(name) for name in reversed(found.all())]
    if unknown := [each for each in event_ids if each not in {name for _, name in names}]:
        raise Failure(
            f"{organisation_id} has no such event: {', '.join(map(repr, unknown))}; nothing was replayed"
        )
    rows = [_replayed(cli, organisation_id, *name) for name in names]
    print_rows(rows, as_json=as_json, nothing="no such events")


def _replayed(cli: CliContext, organisation_id: str, environment: str, event_id: str) -> dict[str, Any]:
    try:
        with cli.transaction(organisation_id) as scope:
            complete_stored(scope, environment, event_id)  # type: ignore[arg-type]
    except Unavailable as error:
        raise Failure(f"{event_id}: {error} Try again later.") from None
    # Each in a transaction of its own, so that one that fails keeps nobody else from being handled.
    with cli.transaction(organisation_id) as scope:
        before, event = replay_event(scope, environment, event_id)  # type: ignore[arg-type]
        return {"event_id": event_id, "before": before, "after": event.status, "reason": event.reason}


def _selection(
    *,
    status: str | None,
    event_type: str | None,
    since: datetime | None,
    until: datetime | None,
    ids: tuple[str, ...] = (),
) -> Selection:
    return Selection(ids, status, event_type, since, until)


def _summary(event: StripeEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in SHOWN} | {"received_at": event.received_at}
