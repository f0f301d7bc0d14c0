"""``autonomy staff``: members of staff, whose first owner only the command line can invite."""

from __future__ import annotations

from uuid import UUID

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_rows
from autonomy_core.cli.parameters import AddressType, IdentifierType
from autonomy_core.security.roles import MEANINGS, Role
from autonomy_core.staff import services

ORGANISATION = click.argument("organisation_id", metavar="ORG")


@click.group()
def staff() -> None:
    """Invite members of staff, list them, and end their membership."""


@staff.command("list")
@ORGANISATION
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, *, as_json: bool) -> None:
    """List the members of staff."""
    with cli.records(organisation_id) as scope:
        rows = [
            {"id": str(member.id), "email": customer.email, "role": member.role, "since": member.since}
            for member, customer in services.list_staff(scope)
        ]
    print_rows(rows, as_json=as_json, nothing="no members of staff")


@staff.command()
@ORGANISATION
@click.argument("email", metavar="ADDRESS", type=AddressType())
@click.option(
    "--role",
    required=True,
    type=click.Choice([str(role) for role in Role]),
    help="; ".join(f"{role}: {meaning}" for role, meaning in MEANINGS.items()),
)
@pass_cli
def invite(cli: CliContext, organisation_id: str, email: str, role: str) -> None:
    """Invite the owner of a mailbox. The worker sends the mail."""
    with cli.scope_of(cli.organisation(organisation_id)).begin() as scope:
        try:
            services.invite(scope, email, Role(role), services.Giver(cli.actor, None))
        except services.AlreadyStaff as error:
            raise Failure(f"{error.title}.") from error
    click.echo(f"invited {email}")


@staff.command()
@ORGANISATION
@click.argument("member_id", metavar="MEMBER_ID", type=IdentifierType())
@pass_cli
def end(cli: CliContext, organisation_id: str, member_id: UUID) -> None:
    """End a membership, and revoke the member's API keys."""
    with cli.records(organisation_id) as scope:
        member = services.find_member(scope, member_id)
        if member is None:
            raise Failure("The organisation has no such member of staff.")
        try:
            services.end(scope, member, services.Giver(cli.actor, None))
        except services.LastOwner as error:
            raise Failure(f"{error.title}.") from error
    click.echo(f"ended {member_id}")
