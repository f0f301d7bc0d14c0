import subprocess
import sys
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from autonomy_core.cli.commands import COMMANDS
from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.manager import PluginError, Plugins


def plugin_with_commands(*commands):
    @hookimpl
    def register_commands():
        return commands

    module = ModuleType("bonus_track")
    module.register_commands = register_commands
    return Plugins({"bonus_track": module})


def run(plugins, *arguments):
    context = CliContext()
    context.plugins = plugins
    return CliRunner().invoke(command, arguments, obj=context)


def test_help_lists_every_command_with_a_line():
    shown = run(Plugins({}), "--help").stdout
    for name, (_, line) in COMMANDS.items():
        assert f"{name} " in shown
        assert line in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_of_each_command_is_whole(name):
    assert "..." not in run(Plugins({}), name, "--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("arguments", [("keys", "revoke"), ("payments", "show")])
def test_what_is_no_id_is_told_with_what_one_looks_like(arguments):
    result = run(Plugins({}), *arguments, "acme", "abc")
    assert result.exit_code == 2
    assert "'abc' is no id; one looks like 01a2" in result.stderr


def test_a_key_that_is_given_for_its_id_is_not_repeated():
    key = f"ak_{'0' * 32}_hunter2"
    assert "hunter2" not in run(Plugins({}), "keys", "revoke", "acme", key).output


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name):
    result = run(Plugins({}), name, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_a_plugins_command_is_mounted():
    @click.command()
    def bonus():
        """Look after bonus tracks."""
        click.echo("bonus!")

    plugins = plugin_with_commands(bonus)
    assert "Look after bonus tracks." in run(plugins, "--help").stdout
    assert run(plugins, "bonus").stdout == "bonus!\n"


def test_a_plugin_cannot_replace_a_command_of_the_core():
    @click.command("keys")
    def impostor():
        """Steal keys."""

    assert "Steal" not in run(plugin_with_commands(impostor), "--help").stdout


def test_help_works_and_says_why_where_plugins_cannot_be_loaded():
    class Broken(CliContext):
        @property
        def plugins(self):
            raise PluginError("plugin bonus_track: not installed.")

    result = CliRunner().invoke(command, ["--help"], obj=Broken())
    assert result.exit_code == 0
    assert "migrate" in result.stdout
    assert "plugin bonus_track: not installed." in result.stderr


def test_help_imports_neither_the_database_nor_the_web_framework():
    program = (
        "import sys; from autonomy_core.cli.commands import autonomy;"
        "print([name for name in ('sqlalchemy', 'pyramid', 'granian', 'rich') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_a_missing_ini_file_is_one_message(unmigrated, tmp_path):
    result = unmigrated.run("tenants", "list", config=tmp_path / "nowhere.ini")
    assert result.exit_code == 2
    assert "There is no file" in result.stderr
    assert "--config" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no section\n", "cannot be read"),
        ("[server:main]\nuse = egg:waitress\n", "cannot be read"),
        ("[app:main]\nuse = egg:autonomy-server\nautonomy.data = %(nowhere)s\n", "cannot be read"),
        ("[app:main]\nuse = egg:autonomy-server\nautonomy.tenant = x\n", "autonomy.tenant: Unknown field."),
        (
            "[app:main]\nuse = egg:autonomy-server\nautonomy.tenants = .\nautonomy.data = .\nautonomy.log_format = xml\n",
            "autonomy.log_format: Must be one of: console, json.",
        ),
    ],
)
def test_an_ini_file_with_a_mistake_is_one_message(unmigrated, text, told):
    unmigrated.ini.write_text(text)
    result = unmigrated.run("keys", "list", "acme")
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


def test_an_unreachable_database_is_one_message_without_its_password(unmigrated):
    unmigrated.write(**{"sqlalchemy.url": "postgresql://autonomy_app:s3cret@127.0.0.1:1/autonomy"})
    result = unmigrated.run("keys", "list", "acme")
    assert result.exit_code == 1
    assert "Connection refused" in result.stderr
    assert "s3cret" not in result.output
    assert "Traceback" not in result.output


def test_an_unknown_organisation_is_one_message(site):
    result = site.run("keys", "list", "nobody")
    assert result.exit_code == 1
    assert "no organisation 'nobody'" in result.stderr
    assert "autonomy tenants list" in result.stderr


def test_tenants_are_looked_at_with_the_servers_settings(unmigrated):
    assert "zenith" in unmigrated.run("tenants", "list").stdout
    assert "2 organisations in order, 0 problems" in unmigrated.run("tenants", "check").stdout


def test_a_file_that_the_machine_does_not_give_is_a_message_and_no_traceback(tmp_path):
    @click.command()
    def bonus():
        (tmp_path / "nowhere" / "file").read_bytes()

    result = run(plugin_with_commands(bonus), "bonus")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr == f"Error: {tmp_path}/nowhere/file: No such file or directory\n"
    assert result.stdout == ""
