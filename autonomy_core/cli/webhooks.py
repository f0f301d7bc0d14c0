"""``autonomy webhooks``: the events that providers have posted to an organisation, and what came of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_facts, print_json, print_rows
from autonomy_core.cli.parameters import NumberType
from autonomy_core.errors import Unavailable
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.tenancy.domain import Environment
from autonomy_core.webhooks.domain import STATUSES
from autonomy_core.webhooks.event_backfill import fetch_events
from autonomy_core.webhooks.fetching import complete_stored
from autonomy_core.webhooks.inbox import replay as replay_event
from autonomy_core.webhooks.models import WebhookEvent
from autonomy_core.webhooks.selection import Selection, selected
from autonomy_core.webhooks.sources import source_named, sources_of

SHOWN = (
    "event_id",
    "source",
    "environment",
    "type",
    "status",
    "reason",
    "matched_by",
    "payment_id",
    "attempts",
)
IN_DETAIL = ("lookups", "origin", "processed_at")

source_option = click.option("--source", help="Of this source only, for example stripe.")


def choosing(command: Any) -> Any:
    """The options that say which events are meant."""
    for option in (
        click.option("--until", type=click.DateTime(), help="Received before this time, UTC."),
        click.option("--since", type=click.DateTime(), help="Received at this time, UTC, or later."),
        click.option("--type", "event_type", help="Of this type, for example charge.refunded."),
        click.option("--status", type=click.Choice(STATUSES), help="With this outcome."),
        source_option,
    ):
        command = option(command)
    return click.argument("organisation_id", metavar="ORG")(command)


@click.command("list")
@choosing
@click.option("--limit", default=20, show_default=True, type=NumberType(1, 10_000), help="How many at most.")
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, *, limit: int, as_json: bool, **chosen: Any) -> None:
    """List the newest events."""
    with cli.records(organisation_id) as scope:
        found = scope.session.scalars(selected(Selection(**chosen)).limit(limit))
        rows = [_summary(event) for event in found]
    print_rows(rows, as_json=as_json, nothing="no events")


@click.command()
@click.argument("organisation_id", metavar="ORG")
@click.argument("event_id", metavar="EVENT_ID")
@source_option
@json_option
@pass_cli
def show(cli: CliContext, organisation_id: str, event_id: str, *, source: str | None, as_json: bool) -> None:
    """Show an event, as its provider sent it, and what came of it."""
    with cli.records(organisation_id) as scope:
        event = _the_event(scope, event_id, source)
        found = _summary(event) | {name: getattr(event, name) for name in IN_DETAIL}
        parts = {"payload": event.payload} | ({"fetched": event.fetched} if event.fetched else {})
    if as_json:
        print_json({"event": found, **parts})
        return
    print_facts(found)
    for part in parts.values():
        print_json(part)


@click.command()
@choosing
@click.argument("event_ids", metavar="[EVENT_ID]…", nargs=-1)
@json_option
@pass_cli
def replay(
    cli: CliContext,
    organisation_id: str,
    event_ids: tuple[str, ...],
    *,
    source: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Handle events again, oldest first: those named, or those chosen.

    What was settled stays settled: to replay everything changes nothing. One that was set aside or has failed
    gets another chance.
    """
    if bool(event_ids) == any(chosen.values()):
        raise Failure(
            "say which: name events, or give options (--status, --type, --since, --until), not both;"
            " --since 1970-01-01 means all"
        )
    wanted = Selection(source=source, ids=event_ids, **chosen)
    with cli.transaction(organisation_id) as scope:
        key = (WebhookEvent.source, WebhookEvent.environment, WebhookEvent.event_id)
        names = [tuple(name) for name in reversed(scope.session.execute(selected(wanted, of=key)).all())]
    if unknown := [each for each in event_ids if each not in {name for *_, name in names}]:
        raise Failure(
            f"{organisation_id} has no such event: {', '.join(map(repr, unknown))}; nothing was replayed"
        )
    rows = [_replayed(cli, organisation_id, *name) for name in names]
    print_rows(rows, as_json=as_json, nothing="no such events")


@click.command()
@click.argument("organisation_id", metavar="ORG")
@source_option
@json_option
@pass_cli
def fetch(cli: CliContext, organisation_id: str, *, source: str | None, as_json: bool) -> None:
    """Fetch and handle what providers could not deliver.

    The worker does it once an hour.
    """
    with cli.transaction(organisation_id) as scope:
        wanted = sources_of(scope) if source is None else [_source(scope, source)]
    rows = [{"source": each.name, "events": _fetched(cli, organisation_id, each)} for each in wanted]
    print_rows(rows, as_json=as_json, nothing="no plugin of the organisation receives webhooks")


def event_commands(name: str, source: str | None = None) -> click.Group:
    """The commands about events, as a group.

    Args:
        name: of the group.
        source: of this source only; None for the option ``--source``.
    """
    group = click.Group(name, help="List, show, replay and fetch an organisation's events.")
    for command in (list_, show, replay, fetch):
        group.add_command(command if source is None else _of_source(command, source))
    return group


def _of_source(command: click.Command, source: str) -> click.Command:
    assert command.callback is not None  # noqa: S101 - for the type checker: each has one
    return click.Command(
        command.name,
        callback=partial(command.callback, source=source),
        params=[parameter for parameter in command.params if parameter.name != "source"],
        help=command.help,
    )


def _the_event(scope: TenantScope, event_id: str, source: str | None) -> WebhookEvent:
    found = scope.session.scalars(selected(Selection(source=source, ids=(event_id,)))).all()
    if not found:
        group = click.get_current_context().parent
        path = group.command_path if group else "autonomy webhooks"
        raise Failure(f"{scope.organisation.id} has no event {event_id!r}; see {path} list")
    if len({event.source for event in found}) > 1:
        sources = ", ".join(sorted(event.source for event in found))
        raise Failure(f"several sources have an event {event_id!r}: give --source, one of {sources}")
    return found[0]


def _replayed(
    cli: CliContext, organisation_id: str, source: str, environment: Environment, event_id: str
) -> dict[str, Any]:
    try:
        with cli.transaction(organisation_id) as scope:
            complete_stored(scope, _source(scope, source), environment, event_id)
    except Unavailable as error:
        raise Failure(f"{event_id}: {error} Try again later.") from None
    # Each in a transaction of its own, so that one that fails does not keep the others from being handled.
    with cli.transaction(organisation_id) as scope:
        before, event = replay_event(scope, _source(scope, source), environment, event_id)
        return {"event_id": event_id, "before": before, "after": event.status, "reason": event.reason}


def _fetched(cli: CliContext, organisation_id: str, source: WebhookSource) -> int:
    try:
        with cli.transaction(organisation_id) as scope:
            return fetch_events(scope, source)
    except Unavailable as error:
        raise Failure(f"{source.title}: {error} Try again later.") from None


def _source(scope: TenantScope, name: str) -> WebhookSource:
    found = source_named(scope, name)
    if found is None:
        known = ", ".join(sorted(each.name for each in sources_of(scope))) or "none"
        raise Failure(
            f"{scope.organisation.id} has no plugin that receives webhooks of {name!r}; it has: {known}"
        )
    return found


def _summary(event: WebhookEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in SHOWN} | {"received_at": event.received_at}


webhooks = event_commands("webhooks")
