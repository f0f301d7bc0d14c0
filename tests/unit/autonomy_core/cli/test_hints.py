"""A command in a message addresses the installation of the command that prints the message."""

import click
import pytest
from click.testing import CliRunner

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.cli.hints import addressed
from autonomy_core.kernel.manager import Plugins


@pytest.fixture
def addressed_by(monkeypatch):
    """The message of a command, as it is printed after some options of the root command."""

    def addressed_by(message, *options, environ=None):
        @click.command()
        def probe():
            click.echo(addressed(message))

        context = CliContext()
        context.plugins = Plugins({})
        monkeypatch.setattr(
            type(command),
            "resolve_command",
            lambda self, ctx, args: ("probe", probe, args[1:]),
        )
        result = CliRunner().invoke(command, [*options, "probe"], obj=context, env=environ or {})
        assert result.exit_code == 0, result.output
        return result.stdout.rstrip("\n")

    return addressed_by


MESSAGE = "it is gone; run: autonomy tenants accept"


@pytest.mark.parametrize("option", ["--config", "-c"])
def test_a_given_ini_file_is_part_of_the_command(addressed_by, option):
    told = addressed_by(MESSAGE, option, "other/server.ini")
    assert told == "it is gone; run: autonomy --config other/server.ini tenants accept"


def test_an_ini_file_with_a_space_is_quoted_for_the_shell(addressed_by):
    told = addressed_by(MESSAGE, "--config", "my server.ini")
    assert told == "it is gone; run: autonomy --config 'my server.ini' tenants accept"


def test_without_the_option_the_command_stays_short(addressed_by):
    assert addressed_by(MESSAGE) == MESSAGE


def test_an_ini_file_of_the_environment_needs_no_option(addressed_by):
    assert addressed_by(MESSAGE, environ={"AUTONOMY_CONFIG": "other/server.ini"}) == MESSAGE


@pytest.mark.parametrize(
    "message",
    [
        "autonomy has no payment 5",
        "/var/lib/autonomy migrate",
        "autonomy.owner_url is missing",
        "autonomy unknown",
    ],
)
def test_text_that_is_no_command_does_not_change(addressed_by, message):
    assert addressed_by(message, "--config", "server.ini") == message
