from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from autonomy_core.tenancy.cli import tenants
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, schemas: PluginSchemas) -> Run:
    record = TenantRecord(tmp_path / "record", Sealing([Secret("the server's secret")]))
    context = SimpleNamespace(
        tenants_directory=tmp_path, plugin_schemas=schemas, tenant_rules=Rules(record=record)
    )

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(tenants, arguments, obj=context, env={"COLUMNS": "200"})

    return invoke


def test_list_shows_every_file_in_order_or_not(run: Run, tmp_path: Path, acme: str):
    (tmp_path / "acme.ini").write_text(acme.replace("Acme Records", "Acme [red] Records"))
    (tmp_path / "bad.ini").write_text("nonsense")
    result = run("list")
    assert result.exit_code == 0
    assert "Acme [red] Records" in result.output
    assert "bad" in result.output
    rows = json.loads(run("list", "--json").output)
    assert [(row["id"], row["problems"]) for row in rows] == [("acme", 0), ("bad", 2)]


def test_list_is_whole_in_a_pipe(run: Run, tmp_path: Path, acme: str):
    hosts = " ".join(f"shop{number}.acme.example" for number in range(5))
    (tmp_path / "acme.ini").write_text(re.sub("hosts = .*", f"hosts = {hosts}", acme))
    assert "shop4.acme.example" in run("list").output.replace("\n", "")
    assert len([line for line in run("list").output.splitlines() if "acme" in line]) == 1


def test_check_is_silent_and_zero_when_all_is_in_order(run: Run, tmp_path: Path, acme: str):
    (tmp_path / "acme.ini").write_text(acme)
    result = run("check")
    assert (result.exit_code, result.output) == (0, "1 organisation in order, 0 problems\n")


def test_check_names_file_and_line_of_every_problem_and_exits_with_one(run: Run, tmp_path: Path, acme: str):
    (tmp_path / "acme.ini").write_text(acme.replace("EUR", "€").replace("sk_test_", "sk_live_"))
    result = run("check")
    assert result.exit_code == 1
    assert result.output.endswith("0 organisations in order, 2 problems\n")
    assert f"{tmp_path}/acme.ini:3: invalid_value: " in result.output
    assert f"{tmp_path}/acme.ini:9: live_key_in_test: " in result.output
    assert "abcdef" not in result.output


def test_check_writes_json_for_machines(run: Run, tmp_path: Path):
    (tmp_path / "bad.ini").write_text("[organisation]\nname = Bad\n")
    result = run("check", "--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["organisations"] == 0
    assert report["problems"] == [
        {
            "file": str(tmp_path / "bad.ini"),
            "line": 1,
            "code": "missing_key",
            "message": "[organisation] needs 'currency'",
            "remedy": "add currency = … to the section",
        }
    ]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_show_masks_every_secret(run: Run, tmp_path: Path, acme: str, options: tuple[str, ...]):
    (tmp_path / "acme.ini").write_text(acme)
    result = run("show", "acme", *options)
    assert result.exit_code == 0
    assert "********" in result.output
    assert "abcdef" not in result.output
    assert "Acme Records" in result.output


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_show_of_a_broken_file_says_what_is_wrong_where_no_program_reads_it(
    run: Run, tmp_path: Path, options: tuple[str, ...]
):
    (tmp_path / "bad.ini").write_text("nonsense")
    result = run("show", "bad", *options)
    assert result.exit_code == 1
    assert "bad.ini:1: syntax" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("organisation_id", ["nobody", "../acme"])
def test_show_knows_only_what_is_in_the_directory(run: Run, tmp_path: Path, acme: str, organisation_id: str):
    result = run("show", organisation_id)
    assert result.exit_code == 1
    assert "there is no" in result.output


def test_new_writes_a_file_for_its_owner_alone_and_says_what_to_fill_in(run: Run, tmp_path: Path):
    result = run("new", "acme", "--name", "Acme Records", "--plugins", "cards,music", "--currency", "eur")
    assert result.exit_code == 0
    path = tmp_path / "acme.ini"
    assert "name = Acme Records" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "'environment' has no value" in result.output
    assert run("check").exit_code == 1


def test_new_asks_for_nothing_where_nothing_is_missing(run: Run, tmp_path: Path):
    result = run("new", "acme", "--name", "Acme Records", "--plugins", "music", "--currency", "eur")
    assert result.output == f"wrote {tmp_path}/acme.ini; it is in order\n"


def test_new_leaves_an_existing_file_alone(run: Run, tmp_path: Path, acme: str):
    (tmp_path / "acme.ini").write_text(acme)
    result = run("new", "acme", "--name", "Another")
    assert result.exit_code == 1
    assert "exists already" in result.output
    assert (tmp_path / "acme.ini").read_text() == acme


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("admin", "--name", "A"), "reserved_id"),
        (("../etc", "--name", "A"), "malformed_id"),
        (("Acme", "--name", "A"), "3 to 40 lower-case letters"),
        (("acme", "--name", "A\n[cards]"), "U+000A"),
        (("acme", "--name", " "), "nothing to be read"),
        (("acme", "--name", "\u200b"), "nothing to be read"),
        (("acme", "--name", "A\u202e"), "U+202E"),
        (("acme", "--name", "A", "--currency", "eur\nfoo = 1"), "U+000A"),
        (("acme", "--name", "A", "--plugins", "nope"), "not installed: nope"),
    ],
)
def test_new_refuses_what_would_not_pass_the_check(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
):
    result = run("new", *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["list", "check", "show acme", "new acme --name Acme", "accept"])
def test_a_missing_directory_is_a_message_and_no_traceback(
    command: str, tmp_path: Path, schemas: PluginSchemas
):
    context = SimpleNamespace(
        tenants_directory=tmp_path / "nowhere", plugin_schemas=schemas, tenant_rules=Rules()
    )
    result = CliRunner().invoke(tenants, command.split(), obj=context)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "nowhere" in result.output


@pytest.fixture
def served(run: Run, tmp_path: Path, schemas: PluginSchemas, acme: str) -> None:
    """A server has served two organisations."""
    (tmp_path / "acme.ini").write_text(acme)
    (tmp_path / "zeta.ini").write_text("[organisation]\nname = Zeta\ncurrency = eur\n")
    record = TenantRecord(tmp_path / "record", Sealing([Secret("the server's secret")]))
    registry = TenantRegistry(tmp_path, schemas, rules=Rules(record=record))
    registry.ids()
    registry._write_record()


@pytest.mark.usefixtures("served")
def test_check_says_which_organisations_are_served_as_they_were(run: Run, tmp_path: Path):
    (tmp_path / "acme.ini").write_text("[organisation]\nname = Acme\n")
    assert "acme: the server goes on with the last good version\n" in run("check").output
    report = json.loads(run("check", "--json").output)
    assert (report["organisations"], report["last_good_served"]) == (1, ["acme"])


@pytest.mark.usefixtures("served")
def test_files_that_are_all_gone_are_a_problem_until_it_is_accepted(run: Run, tmp_path: Path):
    for file in tmp_path.glob("*.ini"):
        file.unlink()
    checked = run("check")
    assert (checked.exit_code, "organisations_missing" in checked.output) == (1, True)
    declined = run("accept")
    assert "acme.ini is gone" in declined.output
    assert "End the service of 2 organisations?" in declined.output
    assert run("check").exit_code == 1
    assert "accepted" in run("accept", "--yes").output
    assert run("check").output == "0 organisations in order, 0 problems\n"
    assert "nothing to accept" in run("accept", "--yes").output
