"""The top of the command line: which commands there are, and how their errors are told."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import click

from autonomy_core.cli.context import DEFAULT_CONFIG, CliContext, FilePath
from autonomy_core.cli.failures import Failure
from autonomy_core.texts import is_utf8

COMMANDS = {
    "alarms": ("autonomy_core.cli.alarms:alarms", "See what a person has to look at."),
    "backup": ("autonomy_core.cli.backup:backup", "Back up database, files and ini files."),
    "db": ("autonomy_core.cli.db:db", "Start, stop and find the embedded database."),
    "jobs": (
        "autonomy_core.cli.jobs:jobs",
        "Look at an organisation's unfinished jobs, repeat or cancel one.",
    ),
    "keys": ("autonomy_core.cli.keys:keys", "Issue and revoke API keys."),
    "migrate": ("autonomy_core.cli.migrate:migrate", "Bring the database up to date."),
    "payments": ("autonomy_core.cli.payments:payments", "Look at an organisation's payments."),
    "plugins": ("autonomy_core.cli.plugins:plugins", "List and check the installed plugins."),
    "restore": ("autonomy_core.cli.backup:restore", "Restore a backup, and activate the copy."),
    "serve": ("autonomy_core.cli.serve:serve", "Serve the API."),
    "tenants": ("autonomy_core.cli.tenants:tenants", "Look at the organisations' files, begin new ones."),
    "worker": ("autonomy_core.cli.worker:worker", "Run jobs."),
}
"""Where each command is, and its line of help, so that showing the list imports none of them."""


class Commands(click.Group):
    """The core's commands, each imported when it is wanted, and the plugins'."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; one that is not UTF-8 is refused before anything is done."""
        for place, each in enumerate(args, start=1):
            if not is_utf8(each):
                # Not shown: it may be a key.
                raise Failure(
                    f"Argument {place} is not UTF-8 text. Write it in UTF-8, or rename the file.", exit_code=2
                )
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name; those of plugins that cannot be loaded are missing, and it is said why."""
        return sorted({*COMMANDS, *_plugin_commands(ctx, tell=True)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The core's command of this name, or else a plugin's."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return _plugin_commands(ctx).get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing the core's."""
        offered = _plugin_commands(ctx, tell=True)
        helps = {name: command.get_short_help_str(limit=100) for name, command in offered.items()}
        helps |= {name: line for name, (_, line) in COMMANDS.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(helps.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that has an explanation is one message and an exit status."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            failure = _explained(error, ctx)
            if failure is None:
                raise
            raise failure from None


def _plugin_commands(ctx: click.Context, *, tell: bool = False) -> dict[str, click.Command]:
    """The plugins' commands by name, without those whose names are the core's."""
    try:
        offered = ctx.ensure_object(CliContext).plugins.registered("register_commands")
    except Exception as error:
        failure = _explained(error, ctx)
        if failure is None:
            raise
        if tell:
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
    """Run and look after an Autonomy Server."""
    ctx.ensure_object(CliContext).config = config or DEFAULT_CONFIG


def main() -> None:
    """Run the command; what ``autonomy`` in the shell calls."""
    # Pyramid 2.1 imports pkg_resources, which says so to everybody.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    autonomy(prog_name="autonomy")
