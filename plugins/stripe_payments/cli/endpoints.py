"""``autonomy stripe webhook``: an organisation's endpoints at Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from autonomy_core.plugin_api.commands import (
    CliContext,
    Failure,
    json_option,
    pass_cli,
    print_line,
    print_rows,
)
from autonomy_core.plugin_api.payments import Environment
from stripe_payments.endpoints import rotation, services
from stripe_payments.endpoints.addresses import NoAddress
from stripe_payments.endpoints.admin import EndpointAdmin, EndpointError
from stripe_payments.endpoints.client import StripeCallFailed
from stripe_payments.settings import ENVIRONMENTS, PLUGIN

Command = Callable[..., None]

SECONDS_TO_READ = 10
"""The default of ``--wait``. The servers check the files every second."""


@click.group()
def webhook() -> None:
    """Create, list, rotate and remove webhook endpoints at Stripe."""


def of_organisation(command: Command) -> Command:
    """Decorator: add the argument and the option that these commands share."""

    @click.argument("organisation_id", metavar="ORG")
    @click.option(
        "--environment",
        type=click.Choice(ENVIRONMENTS),
        help="The environment of the keys; by default the one in which the organisation sells.",
    )
    @pass_cli
    @wraps(command)
    def run(
        cli: CliContext, organisation_id: str, environment: Environment | None, *args: Any, **options: Any
    ) -> None:
        with explained():
            chosen = environment or _sold_in(cli, organisation_id)
            command(EndpointAdmin(cli, chosen, print_line), organisation_id, *args, **options)

    return run


@contextmanager
def explained() -> Iterator[None]:
    """Convert known errors to messages of the command line."""
    try:
        yield
    except (EndpointError, NoAddress) as error:
        raise Failure(str(error)) from None
    except StripeCallFailed as error:
        raise Failure(f"{error.message}; autonomy tenants check --online shows details") from None


def _sold_in(cli: CliContext, organisation_id: str) -> Environment:
    written = cli.tenant_editor.written(organisation_id, PLUGIN).texts.get("environment")
    for environment in ENVIRONMENTS:
        if environment == written:
            return environment
    raise EndpointError(f"the ini file of {organisation_id} does not say in which environment it sells")


server_option = click.option(
    "--server",
    help="The server's URL for Stripe, https://api.example.net; by default the first declared host.",
)
secret_option = click.option(
    "--secret-in",
    "place",
    type=click.Choice(["file", "ini"]),
    help="Where to store the secret: in a file that the ini file refers to, or in the ini file itself.",
)


@webhook.command()
@of_organisation
@server_option
@secret_option
@click.option(
    "--share-with", metavar="OTHER", help="Use the endpoint of another organisation of the same account."
)
@click.option("--thin", is_flag=True, help="Let Stripe send thin events, if the account supports them.")
def create(
    admin: EndpointAdmin,
    organisation_id: str,
    server: str | None,
    place: str | None,
    share_with: str | None,
    *,
    thin: bool,
) -> None:
    """Create an endpoint, and write its id and secret into the organisation's file."""
    with admin.cli.tenant_editor.alone():
        if share_with:
            services.share(admin, organisation_id, share_with)
        else:
            services.create(admin, organisation_id, server=server, in_file=place != "ini", thin=thin)


@webhook.command("list")
@of_organisation
@json_option
def list_(admin: EndpointAdmin, organisation_id: str, *, as_json: bool) -> None:
    """List the endpoints of the organisation's account, and which organisations use them."""
    rows = services.listing(admin, organisation_id)
    print_rows(rows, as_json=as_json, nothing="the account has no webhook endpoints")


@webhook.command()
@of_organisation
@server_option
@secret_option
@click.option(
    "--wait",
    default=SECONDS_TO_READ,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds for the servers to read the new secret, before the old endpoint is removed.",
)
@click.option(
    "--now", is_flag=True, help="Remove the old endpoint even if Stripe has undelivered events for it."
)
def rotate(
    admin: EndpointAdmin,
    organisation_id: str,
    *,
    server: str | None,
    place: str | None,
    wait: float,
    now: bool,
) -> None:
    """Replace the endpoint and its secret without a gap.

    An interrupted rotation is continued. During the rotation both secrets are valid.
    """
    with admin.cli.tenant_editor.alone():
        rotation.rotate(
            admin,
            organisation_id,
            server=server,
            in_file=_in_file(admin, organisation_id, place),
            wait_s=wait,
            now=now,
        )


def _in_file(admin: EndpointAdmin, organisation_id: str, chosen: str | None) -> bool:
    """Return the chosen place of the secret, or the current one.

    A command cannot set an environment variable.
    """
    written = admin.participant(organisation_id).text("webhook_secret") or ""
    return (chosen or ("file" if written.startswith(("file:", "env:")) else "ini")) == "file"


@webhook.command()
@of_organisation
@click.argument("endpoint_id", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(admin: EndpointAdmin, organisation_id: str, endpoint_id: str | None, *, yes: bool) -> None:
    """Remove the organisation's endpoint, or an unused one of its account."""
    if not yes:
        click.confirm(f"Remove {endpoint_id or f'the endpoint of {organisation_id}'}?", abort=True)
    with admin.cli.tenant_editor.alone():
        services.remove(admin, organisation_id, endpoint_id)
