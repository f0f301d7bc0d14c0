"""Wrong input is reported in a message with a status other than 0, and changes nothing."""

import pytest
from click.testing import CliRunner

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.cli.explaining import failure_for
from autonomy_core.kernel.manager import Plugins


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty directory, without plugins."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        context = CliContext()
        context.plugins = Plugins({})
        return CliRunner().invoke(command, arguments, obj=context)

    return run


@pytest.mark.parametrize(
    "arguments", [("alarms", "clear", "acme", "\udcff"), ("tenants", "check", "x", "./\udcff.ini")]
)
def test_an_argument_that_is_not_utf8_is_refused_by_its_place(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Argument 4 is not UTF-8 text" in result.stderr


def test_a_secret_that_is_not_utf8_is_refused_and_not_shown(site, monkeypatch):
    monkeypatch.setenv("OUR_SECRET", "hidden" * 10 + "\udcff")
    site.write(**{"autonomy.secret": "env:OUR_SECRET"})
    for arguments in (("restore", str(site.directory)), ("serve", "--port", "0"), ("tenants", "list")):
        result = site.run(*arguments)
        assert result.exit_code == 2
        assert "autonomy.secret: env:OUR_SECRET is not UTF-8 text" in result.stderr
        assert "hidden" not in result.output


def test_an_error_does_not_show_the_invalid_value(tmp_path):
    with pytest.raises(UnicodeEncodeError) as error:
        "hidden \udcff".encode()
    told = failure_for(error.value, tmp_path / "server.ini")
    assert told is None or "hidden" not in told.message


@pytest.mark.parametrize(
    "arguments",
    [
        ("backup", ""),
        ("backup", "somewhere", "--secret-to", ""),
        ("restore", ""),
        ("tenants", "apply", ""),
        ("--config", "", "tenants", "list"),
    ],
)
def test_an_empty_path_is_not_taken_for_the_current_directory(run, tmp_path, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "it is empty; name a file or a directory" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
@pytest.mark.parametrize("host", ["no such host", "x" * 300, "192.0.2.1"])
def test_a_host_that_cannot_be_bound_is_reported_with_the_option(bare, host):
    result = bare.run("serve", "--host", host, "--port", "0")
    assert result.exit_code == 1
    assert "Choose another with --host." in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("group", ["jobs list", "keys list", "payments list", "alarms list"])
def test_an_unknown_organisation_is_reported_before_pending_migrations(site, group):
    site.plugins = Plugins({**Plugins.from_entry_points().modules, **site.plugins.modules})
    assert site.run("migrate", "--check").exit_code == 1
    result = site.run(*group.split(), "nosuch")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: There is no organisation 'nosuch'")


@pytest.mark.parametrize("number", ["x", "1_0", "0", "1001", "-1", "1.5", "\u0669", "9" * 5000])
def test_a_number_beyond_its_limits_is_refused_with_the_limits(run, number):
    result = run("mail", "list", "acme", f"--limit={number}")
    assert result.exit_code == 2
    assert "is not a whole number from 1 to 1000." in result.stderr
