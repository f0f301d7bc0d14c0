"""The commands ``autonomy stripe …``."""

from __future__ import annotations

import click


class StripeCommands(click.Group):
    """Imports a command when it is called: the simulator brings a web server along."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return ["simulator"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name != "simulator":
            return None
        from stripe_payments.simulator.command import simulator

        return simulator


@click.group(name="stripe", cls=StripeCommands)
def stripe_commands() -> None:
    """Stripe: a simulator for development and tests."""
