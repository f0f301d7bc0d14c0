import gc
import socket
import subprocess
import sys
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from autonomy_core.cli import commands
from autonomy_core.cli.commands import COMMANDS
from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.plugin_api.commands import pass_cli
from autonomy_core.plugin_api.hooks import hookimpl
from tests.support.refused_port import REFUSING

APP = "[app:main]\nuse = egg:autonomy-server\n"


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
def test_a_malformed_id_is_refused_with_an_example(arguments):
    result = run(Plugins({}), *arguments, "acme", "abc")
    assert result.exit_code == 2
    assert "'abc' is no id; one looks like 01a2" in result.stderr


def test_a_key_given_in_place_of_its_id_is_not_repeated():
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


async def wait(cli): ...


def go_through(cli):
    yield


@pytest.mark.parametrize("function", [wait, go_through])
@pytest.mark.parametrize("names", [("bonus",), ("bonus", "add")])
def test_a_plugins_command_that_never_runs_is_an_error(function, names):
    mounted = click.command(names[-1])(pass_cli(function))
    if len(names) > 1:
        mounted = click.Group(names[0], {names[1]: mounted})
    result = run(plugin_with_commands(mounted), *names)
    assert result.exit_code == 1
    assert "The command has done nothing, because its function returned a" in result.stderr


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


@pytest.mark.processes
def test_help_imports_neither_the_database_nor_the_web_framework():
    program = (
        "import sys; from autonomy_core.cli.commands import autonomy;"
        "print([name for name in ('sqlalchemy', 'pyramid', 'granian', 'rich') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_a_missing_ini_file_is_one_message(bare, tmp_path):
    result = bare.run("tenants", "list", config=tmp_path / "nowhere.ini")
    assert result.exit_code == 2
    assert "There is no file" in result.stderr
    assert "--config" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "No section 'main'"),
        ("no section\n", ":1: this is before any section. Put it below [app:main]."),
        ("[server:main]\nuse = egg:waitress\n", "cannot be used: No section 'main'"),
        ("[app:main]\nuse = egg:autonomy-sever\n", "cannot be used: "),
        (APP + "s3cret\n", ":3: this is neither a section nor a key with a value. Write key = value."),
        (APP + "autonomy.data = %(nowhere)s\n", ":3: autonomy.data: a % in a value is written %%"),
        (
            APP + "sqlalchemy.url = postgresql://a:s3cret%40x@localhost/b\n",
            ":3: sqlalchemy.url: a % in a value is written %%",
        ),
        ("[DEFAULT]\na = 5%\n" + APP, ":2: a: a % in a value is written %%"),
        (
            APP + "autonomy.data = .\n\nautonomy.data = ..\n",
            ":5: 'autonomy.data' is given twice in [app:main].",
        ),
        (APP + "[server:main]\n[app:main]\n", ":4: there are two sections [app:main]. Merge them."),
        ("\ufeff" + APP, ":1: the file begins with a byte order mark. Save it as UTF-8 without one."),
        (APP.encode() + b"a = caf\xe9 s3cret\n", ":3: the file is not UTF-8 text."),
        (
            APP + "autonomy.tenant = x\n",
            ":3: autonomy.tenant: there is no such key; did you mean 'autonomy.tenants'?",
        ),
        (APP + "autonomy.data = .\n", ":1: autonomy.tenants: it is missing; add it"),
        (APP + "autonomy.data =\n", ":3: autonomy.data: it has no value; give it one"),
        (
            APP + "autonomy.tenants = .\nautonomy.data = .\nautonomy.log_format = xml\n",
            ":5: autonomy.log_format: Must be one of: console, json.",
        ),
        (
            APP + "autonomy.tenants = .\nautonomy.data = .\nautonomy.secret = s3cret\n",
            ":5: autonomy.secret: write a reference, env:NAME or file:/path, and not the secret itself.",
        ),
    ],
)
@pytest.mark.parametrize("command", ["keys list acme", "serve"])
def test_an_ini_file_with_a_mistake_is_one_message_that_names_the_line(bare, text, told, command):
    bare.ini.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = bare.run(*command.split())
    assert result.exit_code == 2
    assert told in result.stderr
    assert "server.ini" in result.stderr
    assert "s3cret" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.processes
def test_a_mistake_in_the_ini_file_is_reported_before_a_port_in_use(bare):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        bare.ini.write_text(APP + f"autonomy.data =\n[server:main]\nport = {port}\n")
        assert "server.ini:3: autonomy.data: it has no value" in bare.run("serve").stderr


def test_a_directory_given_as_the_ini_file_is_reported(bare, tmp_path):
    result = bare.run("keys", "list", "acme", config=tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {tmp_path} cannot be read: Is a directory.\n"


def test_an_ini_file_saved_on_windows_with_tabs_is_read(bare):
    bare.ini.write_bytes(bare.ini.read_bytes().replace(b" = ", b"\t=\t").replace(b"\n", b"\r\n"))
    assert "zenith" in bare.run("tenants", "list").stdout


def test_an_unreachable_database_is_one_message_without_its_password(bare):
    bare.write(**{"sqlalchemy.url": f"postgresql://autonomy_app:s3cret@{REFUSING}/autonomy"})
    result = bare.run("keys", "list", "acme")
    assert result.exit_code == 1
    assert "Connection refused" in result.stderr
    assert "s3cret" not in result.output
    assert "Traceback" not in result.output


def test_an_unknown_organisation_is_one_message(site):
    result = site.run("keys", "list", "nobody")
    assert result.exit_code == 1
    assert "no organisation 'nobody'" in result.stderr
    assert f"autonomy --config {site.ini} tenants list" in result.stderr


def test_tenants_commands_use_the_servers_settings(bare):
    assert "zenith" in bare.run("tenants", "list").stdout
    assert "2 organisations in order, 0 problems" in bare.run("tenants", "check").stdout


def test_an_os_error_is_a_message_without_a_traceback(tmp_path):
    @click.command()
    def bonus():
        (tmp_path / "nowhere" / "file").read_bytes()

    result = run(plugin_with_commands(bonus), "bonus")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr == f"Error: {tmp_path}/nowhere/file: No such file or directory\n"
    assert result.stdout == ""


def test_the_garbage_collector_seldom_runs_while_a_command_imports(monkeypatch):
    seen = []
    monkeypatch.setattr(commands, "autonomy", lambda **_: seen.append(gc.get_threshold()[0]))
    before = gc.get_threshold()
    gc.set_threshold(700)
    try:
        commands.main()
    finally:
        gc.set_threshold(*before)
    assert seen == [10_000]
