"""Every command reports a database that is away, has no tables, or hangs, without a traceback."""

import click
import pytest

from autonomy_core.cli.commands import autonomy
from autonomy_core.cli.context import CliContext
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.outages import CONNECTION_LIMITS
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from tests.support.refused_port import REFUSING
from tests.support.stopped_postgresql import stopped

pytestmark = pytest.mark.processes

REFUSED = f"postgresql://autonomy_app:s3cret@{REFUSING}/autonomy"

WITHOUT_DATABASE = {
    *("serve", "worker", "stripe simulator", "media inspect", "files move"),
    *("mail templates", "passwords build"),
    *("plugins new", "plugins list", "plugins check", "plugins revision"),
    *("tenants new", "tenants list", "tenants check", "tenants show", "tenants accept", "tenants apply"),
    *("db start", "db stop", "db status", "db url"),
}
"""Commands that need no database, create their own, or wait for it."""

ORGANISATION = """\
[organisation]
name = Acme
hosts = acme.example
currency = eur
plugins = customer_auth, media_mp3, stripe_payments

[stripe_payments]
environment = test
test_secret_key = sk_test_acme
test_public_key = pk_test_acme
test_webhook_secret = whsec_acme
"""


def every_command(group, path=()):
    context = click.Context(autonomy, obj=CliContext())
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name), command


def arguments_for(command):
    """A plausible value for every required parameter of a command."""
    for parameter in command.params:
        if parameter.required or parameter.name in ("event_ids", "endpoint_id"):
            yield from ([parameter.opts[-1]] if isinstance(parameter, click.Option) else [])
            yield example_of(parameter)


def example_of(parameter):
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    known = {
        "id": "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071",
        "integer": "1",
        "number": "1",
        "directory": "copy",
        "path": "copy",
        "address": "ada@example.org",
    }
    return known.get(parameter.type.name, "acme" if parameter.name == "organisation_id" else "something")


CHOSEN = {
    ("restore",): ("--activate",),
    ("keys", "issue"): ("acme", "--name", "something", "--scope", "catalog.read"),
}
"""Arguments of commands that require one of several options."""

COMMANDS = [
    pytest.param((*path, *CHOSEN.get(path, arguments_for(command))), id=" ".join(path))
    for path, command in every_command(autonomy)
    if " ".join(path) not in WITHOUT_DATABASE
]


@pytest.fixture
def away(bare):
    """The site with every plugin, and a database at which nothing listens."""
    bare.plugins = Plugins({**Plugins.from_entry_points().modules, stand_ins.NAME: stand_ins})
    (bare.directory / "tenants" / "acme.ini").write_text(ORGANISATION)
    bare.write(**settings_for(REFUSED))
    return bare


def settings_for(url, owner_url=None):
    return {
        "sqlalchemy.url": url,
        "autonomy.owner_url": owner_url or url,
        "autonomy.backup_url": owner_url or url,
        "stripe_payments.api_base": f"http://{REFUSING}",
    }


def check_told_in_a_line(result):
    assert result.exit_code != 0, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    assert "s3cret" not in result.output
    assert len(result.stderr.splitlines()) <= 3, result.stderr


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_command_without_its_database_fails_with_one_line(away, arguments, monkeypatch):
    monkeypatch.chdir(away.directory)
    check_told_in_a_line(away.run(*arguments))


@pytest.mark.parametrize(
    "arguments", [("tenants", "check", "--online"), ("tenants", "check", "--online", "acme")]
)
def test_the_online_check_checks_nothing_without_a_database(away, arguments):
    result = away.run(*arguments)
    check_told_in_a_line(result)
    assert "Connection refused" in result.stderr


@pytest.fixture(scope="module")
def hanging(tmp_path_factory):
    """A server that is stopped as soon as it has started."""
    server = EmbeddedServer(tmp_path_factory.mktemp("hanging"), fast=True)
    server.ensure_running()
    with stopped(server):
        yield server
    server.remove()


@pytest.mark.parametrize(
    "arguments",
    [("migrate",), ("migrate", "--check"), ("keys", "list", "acme"), ("tenants", "check", "--online")],
)
def test_a_command_whose_database_hangs_fails_with_one_line(away, hanging, arguments, monkeypatch):
    monkeypatch.setitem(CONNECTION_LIMITS, "connect_timeout", "2")
    away.write(**settings_for(hanging.url("postgres", "autonomy_app"), hanging.url("postgres")))
    check_told_in_a_line(away.run(*arguments))
