"""``autonomy keys``: API keys for an organisation's back end and staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.output import print_json, print_rows
from autonomy_core.cli.parameters import AddressType, IdentifierType, NumberType
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.security import api_keys
from autonomy_core.staff.keys import issue_for, owners


@click.group()
def keys() -> None:
    """Issue and revoke API keys for an organisation's back end and staff."""


@keys.command()
@click.argument("organisation_id", metavar="ORG")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"What the key allows; may be repeated. {', '.join(SCOPES)}, and those of plugins.",
)
@click.option(
    "--member",
    "email",
    type=AddressType(),
    help="The address of the member of staff to whom it belongs; by default the organisation's back end.",
)
@click.option("--days", type=NumberType(1, 3650), help="How long it can be used; by default always.")
@json_option
@pass_cli
def issue(
    cli: CliContext,
    organisation_id: str,
    *,
    name: str,
    scopes: tuple[str, ...],
    email: str | None,
    days: int | None,
    as_json: bool,
) -> None:
    """Issue a key. It is shown only once."""
    known = runtime_of(cli).scopes
    if unknown := sorted(set(scopes) - known.keys()):
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}", param_hint="--scope")
    values: dict[str, Any] = {
        "name": name,
        "scopes": scopes,
        "actor": cli.actor,
        "expires_at": utcnow() + timedelta(days) if days else None,
    }
    with cli.records(organisation_id) as scope:
        if email is None:
            key, text = api_keys.issue(scope, **values)
        else:
            key, text = issue_for(scope, email, **values)
        issued = {"id": str(key.id), "name": key.name, "scopes": key.scopes, "key": text}
    if as_json:
        print_json(issued)
        return
    click.echo(f"Key {issued['id']} of {organisation_id}. Keep it now, it is not shown again:", err=True)
    click.echo(text)


@keys.command("list")
@click.argument("organisation_id", metavar="ORG")
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, *, as_json: bool) -> None:
    """List the keys of an organisation, including revoked keys."""
    with cli.records(organisation_id) as scope:
        members = owners(scope)
        rows = [
            {
                "id": str(key.id),
                "name": key.name,
                "member": members[key.member_id] if key.member_id else None,
                "scopes": key.scopes,
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
                "revoked_at": key.revoked_at,
            }
            for key in api_keys.list_keys(scope)
        ]
    print_rows(rows, as_json=as_json, nothing="no keys")


@keys.command()
@click.argument("organisation_id", metavar="ORG")
@click.argument("key_id", metavar="KEY_ID", type=IdentifierType())
@pass_cli
def revoke(cli: CliContext, organisation_id: str, key_id: UUID) -> None:
    """Revoke a key with immediate effect."""
    with cli.records(organisation_id) as scope:
        api_keys.revoke(scope, key_id, actor=cli.actor)
    click.echo(f"revoked {key_id}")
