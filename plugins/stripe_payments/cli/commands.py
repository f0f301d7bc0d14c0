"""The commands ``autonomy stripe …``."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "simulator": ("stripe_simulator.command:simulator", "Run a simulator of Stripe."),
    "events": ("stripe_payments.cli.events:events", "List, show, replay and fetch events."),
    "webhook": (
        "stripe_payments.cli.endpoints:webhook",
        "Create, list, rotate and remove endpoints at Stripe.",
    ),
}
"""The import path and the help line of each command; some import a web server or Stripe's SDK."""


class StripeCommands(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in sorted(COMMANDS.items())])


@click.group(name="stripe", cls=StripeCommands)
def stripe_commands() -> None:
    """Stripe: webhook endpoints, events, and a simulator for development and tests."""
