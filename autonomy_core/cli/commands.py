"""The root of the command line: the list of commands, and the output of their errors."""

from __future__ import annotations

import gc
import importlib
import warnings
from pathlib import Path
from typing import Any

import click

from autonomy_core.callables import PLAIN, unfinished
from autonomy_core.cli.context import DEFAULT_CONFIG, CliContext, FilePath
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.hints import addressed
from autonomy_core.texts import is_utf8

COMMANDS = {
    "alarms": ("autonomy_core.cli.alarms:alarms", "List and clear alarms."),
    "backup": ("autonomy_core.cli.backup:backup", "Back up database, files and ini files."),
    "db": ("autonomy_core.cli.db:db", "Start, stop and find the embedded database."),
    "files": ("autonomy_core.cli.files:files", "Check, move and collect stored files."),
    "jobs": (
        "autonomy_core.cli.jobs:jobs",
        "List, retry and cancel an organisation's unfinished jobs.",
    ),
    "keys": ("autonomy_core.cli.keys:keys", "Issue and revoke API keys."),
    "mail": ("autonomy_core.cli.mail:mail", "Show mail, send it again, test the account."),
    "migrate": ("autonomy_core.cli.migrate:migrate", "Bring the database up to date."),
    "payments": ("autonomy_core.cli.accounting:payments", "Show and export an organisation's payments."),
    "plugins": ("autonomy_core.cli.plugins:plugins", "List and check the installed plugins."),
    "restore": ("autonomy_core.cli.backup:restore", "Restore a backup, and activate the copy."),
    "serve": ("autonomy_core.cli.serve:serve", "Serve the API."),
    "staff": ("autonomy_core.cli.staff:staff", "Invite and list members of staff."),
    "tenants": ("autonomy_core.cli.tenants:tenants", "Check, show and create the organisations' files."),
    "texts": ("autonomy_core.cli.texts:texts", "Update the translations of a package's pages."),
    "webhooks": ("autonomy_core.cli.webhooks:webhooks", "List, show, replay and fetch webhook events."),
    "worker": ("autonomy_core.cli.worker:worker", "Run jobs."),
}
"""The import path and the help line of each command, so that listing the commands imports none of them."""

GC_THRESHOLD = 10_000
"""The garbage collector runs after this many new objects; Python's default is 700."""


class Commands(click.Group):
    """The core's commands, each imported on use, and the plugins' commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. An argument that is not UTF-8 is refused before the command runs."""
        for place, each in enumerate(args, start=1):
            if not is_utf8(each):
                # Do not print the argument, because it may be a key.
                raise Failure(
                    f"Argument {place} is not UTF-8 text. Write it in UTF-8, or rename the file.", exit_code=2
                )
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands. A warning names plugins that cannot be loaded."""
        return sorted({*COMMANDS, *_plugin_commands(ctx, warn=True)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the core's command of this name, or a plugin's."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return _plugin_commands(ctx).get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing those of the core."""
        offered = _plugin_commands(ctx, warn=True)
        helps = {name: command.get_short_help_str(limit=100) for name, command in offered.items()}
        helps |= {name: line for name, (_, line) in COMMANDS.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(helps.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. A known error becomes one message and an exit status."""
        try:
            return _ended(super().invoke(ctx))
        except click.ClickException as error:
            error.message = addressed(error.message)  # type: ignore[misc]
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            failure = _explained(error, ctx)
            if failure is None:
                raise
            failure.message = addressed(failure.message)  # type: ignore[misc]
            raise failure from None


def _ended(answer: Any) -> Any:
    left = unfinished(answer)
    if left is not None:
        raise Failure(f"The command has done nothing, because its function returned {left}: {PLAIN}.")
    return answer


def _plugin_commands(ctx: click.Context, *, warn: bool = False) -> dict[str, click.Command]:
    """Return the plugins' commands by name, except names of core commands."""
    try:
        offered = ctx.ensure_object(CliContext).plugins.registered("register_commands")
    except Exception as error:
        failure = _explained(error, ctx)
        if failure is None:
            raise
        if warn:
            click.echo(f"Plugins' commands are missing here: {failure.message}", err=True)
        return {}
    return {
        str(command.name): command
        for _, commands in offered
        for command in commands
        if command.name not in COMMANDS
    }


def _explained(error: Exception, ctx: click.Context) -> Failure | None:
    from autonomy_core.cli.explaining import failure_for  # noqa: PLC0415 - most commands fail at nothing

    return failure_for(error, ctx.ensure_object(CliContext).config)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    type=FilePath(),
    envvar="AUTONOMY_CONFIG",
    help="The server's ini file; by default $AUTONOMY_CONFIG, or else ./development.ini.",
)
@click.version_option(package_name="autonomy-server")
@click.pass_context
def autonomy(ctx: click.Context, config: Path | None) -> None:
    """Run and administer an Autonomy Server."""
    ctx.ensure_object(CliContext).config = config or DEFAULT_CONFIG


def main() -> None:
    """Run the command: the entry point of ``autonomy``."""
    # Imports create many objects that live as long as the process: collections among them find nothing.
    gc.set_threshold(GC_THRESHOLD)
    # Pyramid 2.1 imports pkg_resources, whose deprecation warning does not concern the user.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    autonomy(prog_name="autonomy")
