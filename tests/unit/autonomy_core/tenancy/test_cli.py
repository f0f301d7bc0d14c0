from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from autonomy_core.cli import tenants as cli
from autonomy_core.cli.tenants import tenants
from autonomy_core.kernel.checks import Finding, OrganisationCheck
from autonomy_core.tenancy.editing import EditError, TenantEditor
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.record import TenantRecord
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.texts import MailChecks
from tests.unit.autonomy_core.tenancy.material import no_mistake

Run = Callable[..., Result]


def unlucky(scope: Any) -> Iterator[Finding]:
    if scope.name == "Unlucky":
        yield Finding("unlucky", "error", "the name brings bad luck", "take another")


def never(scope: Any) -> Iterator[Finding]:
    raise AssertionError("it asks others")


OFFLINE = [
    OrganisationCheck("music.luck", unlucky, is_offline=True),
    OrganisationCheck("music.others", never),
]


def write_private(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


@pytest.fixture
def run(tmp_path: Path, schemas: PluginSchemas) -> Run:
    record = TenantRecord(tmp_path / "record", Sealing([Secret("the server's secret")]))
    context = SimpleNamespace(
        tenants_directory=tmp_path,
        plugin_schemas=schemas,
        mail_checks=MailChecks(no_mistake, {"directory", "smtp", "smtps"}),
        tenant_rules=Rules(record=record),
        _runtime=SimpleNamespace(
            checks_for=lambda _: OFFLINE, scope_outside=lambda organisation: organisation
        ),
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


def test_list_is_not_cut_off_in_a_pipe(run: Run, tmp_path: Path, acme: str):
    hosts = " ".join(f"shop{number}.acme.example" for number in range(5))
    (tmp_path / "acme.ini").write_text(re.sub("hosts = .*", f"hosts = {hosts}", acme))
    assert "shop4.acme.example" in run("list").output.replace("\n", "")
    assert len([line for line in run("list").output.splitlines() if "acme" in line]) == 1


def test_check_is_silent_and_zero_when_all_is_in_order(run: Run, tmp_path: Path, acme: str):
    write_private(tmp_path / "acme.ini", acme)
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


def test_check_names_a_mailer_that_is_mistyped(run: Run, tmp_path: Path):
    mail = "[mail]\nfrom = a@shop.example\nurl = smpt://mail.example\n"
    write_private(tmp_path / "shop.ini", f"[organisation]\nname = Shop\ncurrency = eur\n{mail}")
    result = run("check")
    assert result.exit_code == 1
    assert ":6: invalid_value: no way to send mail is called 'smpt' (did you mean 'smtp'?)" in result.output


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


def test_show_prints_settings_as_the_file_takes_them(run: Run, tmp_path: Path, acme: str):
    (tmp_path / "acme.ini").write_text(acme.replace("plugins", "refund_duplicates = yes\nplugins"))
    shown = run("show", "acme").output.splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown]
    assert ["organisation", "refund_duplicates", "yes"] in rows
    assert ["organisation", "purchase_during_dispute", "no"] in rows
    assert json.loads(run("show", "acme", "--json").output)["refund_duplicates"] is True


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_show_of_a_broken_file_prints_the_problem_to_stderr_only(
    run: Run, tmp_path: Path, options: tuple[str, ...]
):
    (tmp_path / "bad.ini").write_text("nonsense")
    result = run("show", "bad", *options)
    assert result.exit_code == 1
    assert "bad.ini:1: syntax" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("organisation_id", ["nobody", "../acme"])
def test_show_finds_only_files_in_the_directory(run: Run, tmp_path: Path, acme: str, organisation_id: str):
    result = run("show", organisation_id)
    assert result.exit_code == 1
    assert "there is no" in result.output


def test_new_writes_a_private_file_and_names_the_keys_to_fill_in(run: Run, tmp_path: Path):
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


@pytest.mark.parametrize("plugins", ["music,music", "music music", " music,\n,music "])
def test_new_names_a_plugin_once_and_takes_every_way_to_write_a_list(run: Run, tmp_path: Path, plugins: str):
    result = run("new", "acme", "--name", " Acme = #1 ", "--plugins", plugins, "--currency", "EUR")
    assert result.output == f"wrote {tmp_path}/acme.ini; it is in order\n"
    assert run("check").output == "1 organisation in order, 0 problems\n"
    assert "\nplugins = music\n" in (tmp_path / "acme.ini").read_text()


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
        (("acme", "--name", "A" * 201), "maximum length 200"),
        (("acme", "--name", "A", "--currency", "eur\nfoo = 1"), "not a currency"),
        (("acme", "--name", "A", "--currency", "xxq"), "not a currency; give the three letters"),
        (("acme", "--name", "A", "--currency", ""), "not a currency"),
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


@pytest.mark.parametrize(
    "command", ["list", "check", "show acme", "new acme --name Acme", "accept", "apply draft.ini"]
)
def test_a_missing_directory_is_a_message_and_no_traceback(
    command: str, tmp_path: Path, schemas: PluginSchemas
):
    context = SimpleNamespace(
        tenants_directory=tmp_path / "nowhere",
        plugin_schemas=schemas,
        mail_checks=MailChecks(no_mistake, {"directory", "smtp", "smtps"}),
        tenant_rules=Rules(),
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
    rows = json.loads(run("list", "--json").output)
    assert [(row["id"], row["missing"], row["problems"]) for row in rows] == [
        ("acme", True, 1),
        ("zeta", True, 1),
    ]
    assert "no organisations" not in run("list").output
    checked = run("check")
    assert (checked.exit_code, "organisations_missing" in checked.output) == (1, True)
    declined = run("accept")
    assert "acme.ini is gone" in declined.output
    assert "End the service of 2 organisations?" in declined.output
    assert run("check").exit_code == 1
    assert "accepted" in run("accept", "--yes").output
    assert run("check").output == "0 organisations in order, 0 problems\n"
    assert "nothing to accept" in run("accept", "--yes").output


@pytest.mark.usefixtures("served")
def test_an_organisation_that_returns_during_the_prompt_is_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    away = [file.rename(file.with_suffix(".away")) for file in tmp_path.glob("*.ini")]

    def mount_again(*_: object, **__: object) -> bool:
        for file in away:
            file.rename(file.with_suffix(".ini"))
        return True

    monkeypatch.setattr(cli.click, "confirm", mount_again)
    assert run("accept").exit_code == 0
    for file in tmp_path.glob("*.ini"):
        file.unlink()
    assert "organisations_missing" in run("check").output


@pytest.mark.usefixtures("served")
def test_accept_says_when_missing_organisations_are_unknown(run: Run, tmp_path: Path):
    (tmp_path / "record").chmod(0o666)
    result = run("accept", "--yes")
    assert (result.exit_code, "record_unusable" in result.output) == (1, True)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A file outside the directory, where an admin prepares a change."""
    (tmp_path / "elsewhere").mkdir(0o700)
    return tmp_path / "elsewhere" / "acme.ini"


def test_check_of_a_draft_names_its_own_lines_and_changes_nothing(
    run: Run, tmp_path: Path, acme: str, draft: Path
):
    (tmp_path / "acme.ini").write_text(acme)
    draft.write_text(acme.replace("EUR", "€"))
    result = run("check", str(draft))
    assert result.exit_code == 1
    assert result.output.startswith(f"{draft}:3: invalid_value: ")
    assert (tmp_path / "acme.ini").read_text() == acme


def test_check_of_a_draft_that_is_in_order_is_silent_and_zero(
    run: Run, tmp_path: Path, acme: str, draft: Path
):
    (tmp_path / "other.ini").write_text("nonsense")
    (tmp_path / "key").write_text("sk_test_of_the_directory")
    draft.write_text(acme.replace("sk_test_abcdef", "file:key"))
    result = run("check", str(draft))
    assert (result.exit_code, result.output) == (0, "1 organisation in order, 0 problems\n")


def test_a_draft_is_checked_against_all_other_files(run: Run, tmp_path: Path, acme: str, draft: Path):
    (tmp_path / "acme.ini").write_text(acme)
    (tmp_path / "zeta.ini").write_text("[organisation]\nname = Z\ncurrency = eur\nhosts = zeta.example\n")
    draft.write_text(acme.replace("acme.example", "zeta.example"))
    result = run("check", str(draft), "--id", "newcomer")
    assert result.exit_code == 1
    assert f"{draft}:4: duplicate_host: the host 'zeta.example' is zeta's already" in result.output
    assert f"{draft}:4: duplicate_host: the host 'localhost:6543' is acme's already" in result.output


@pytest.mark.parametrize(
    ("hosts", "options", "is_proposed"),
    [
        ("acme.example, localhost:6543", (), True),
        ("acme.example, zeta.example", (), False),
        ("acme.example", ("--id", "newcomer"), False),
    ],
)
def test_a_draft_with_the_hosts_of_one_organisation_may_be_its_draft(
    run: Run, tmp_path: Path, acme: str, draft: Path, hosts: str, options: tuple[str, ...], is_proposed: bool
):
    (tmp_path / "acme.ini").write_text(acme)
    (tmp_path / "zeta.ini").write_text("[organisation]\nname = Z\ncurrency = eur\nhosts = zeta.example\n")
    proposal = draft.with_name("proposal.ini")
    proposal.write_text(acme.replace("acme.example, localhost:6543", hosts))
    result = run("check", str(proposal), *options)
    assert result.exit_code == 1
    assert "duplicate_host" in result.output
    told = "; or, if this is a draft of acme, check it with --id acme)" in result.output
    assert told is is_proposed


def test_the_organisation_of_a_draft_is_its_file_name_or_the_option(run: Run, acme: str, draft: Path):
    odd = draft.with_name("Acme new.ini")
    odd.write_text(acme)
    assert "malformed_id" in run("check", str(odd)).output
    assert run("check", str(odd), "--id", "acme").exit_code == 0


@pytest.mark.parametrize("name", [".", "elsewhere", "./elsewhere", "elsewhere/"])
def test_check_of_a_directory_says_that_it_is_no_file(
    run: Run, draft: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(draft.parent.parent)
    result = run("check", name)
    assert result.exit_code == 1
    assert f"{name} is a directory, not a file" in result.output


def test_an_organisation_may_have_the_name_of_a_directory(
    run: Run, tmp_path: Path, acme: str, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "acme.ini").write_text(acme)
    (tmp_path / "acme").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("check", "acme").exit_code == 0


@pytest.mark.parametrize("command", ["check", "apply"])
def test_an_id_cannot_name_a_path_outside_the_directory(
    run: Run, tmp_path: Path, acme: str, draft: Path, command: str
):
    draft.write_text(acme)
    result = run(command, str(draft), "--id", f"../{tmp_path.name}-elsewhere")
    assert (result.exit_code, "malformed_id" in result.output) == (2, True)
    assert not tmp_path.with_name(f"{tmp_path.name}-elsewhere.ini").exists()


@pytest.mark.parametrize(
    "arguments", [("--id", "acme"), ("acme", "--id", "acme"), ("./a.ini", "./b.ini"), ("./a.ini", "--online")]
)
def test_check_takes_one_draft_alone(run: Run, arguments: tuple[str, ...]):
    assert run("check", *arguments).exit_code == 2


@pytest.mark.parametrize("command", ["check", "apply"])
def test_a_draft_that_is_not_there_is_a_message(run: Run, tmp_path: Path, command: str):
    result = run(command, str(tmp_path / "nowhere.ini"))
    assert result.exit_code == 1
    assert "nowhere.ini:1: unreadable_file: there is no such file (correct the path" in result.output
    assert "link" not in result.output


def test_a_draft_that_is_a_link_to_nothing_is_said_to_be_one(run: Run, tmp_path: Path):
    (tmp_path / "linked.ini").symlink_to(tmp_path / "nowhere")
    assert "it is a link that leads to nothing" in run("check", str(tmp_path / "linked.ini")).output


def test_apply_of_a_draft_with_a_reserved_name_suggests_the_option(
    run: Run, tmp_path: Path, acme: str, draft: Path
):
    odd = draft.with_name("api.ini")
    odd.write_text(acme)
    output = run("apply", str(odd)).output
    assert "reserved_id: 'api' is a word of the server's own URLs (rename the file; or say whose" in output
    assert f"{tmp_path / 'api.ini'} is not made: correct the draft first" in output
    assert "--id" in run("apply", str(draft), "--id", "api").output
    assert "rename" not in run("apply", str(draft), "--id", "api").output


def test_apply_shows_the_changes_without_secrets_and_replaces_the_file(
    run: Run, tmp_path: Path, acme: str, draft: Path, monkeypatch: pytest.MonkeyPatch
):
    target = tmp_path / "acme.ini"
    target.write_text(acme + "seal = hunter2\n")
    target.chmod(0o640)
    new = (
        acme.replace("Acme Records", "Acme Tapes").replace("abcdef", "uvwxyz").replace("cards music", "cards")
    )
    draft.write_text(f"# a comment with hunter3\n{new}seal = env:ACME_SEAL".rstrip())
    monkeypatch.setenv("ACME_SEAL", "hunter4")
    result = run("apply", str(draft))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "- [organisation] name = Acme Records",
        "+ [organisation] name = Acme Tapes",
        "- [organisation] plugins = cards music",
        "+ [organisation] plugins = cards",
        "- [cards] test_secret_key = ********",
        "+ [cards] test_secret_key = ********",
        "- [cards] seal = ********",
        "+ [cards] seal = env:ACME_SEAL",
        f"wrote {target}; the servers take it within a second",
    ]
    assert target.read_text() == draft.read_text() + "\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert not list(tmp_path.glob(".*"))


def test_apply_of_an_unchanged_file_writes_nothing(run: Run, tmp_path: Path, acme: str, draft: Path):
    (tmp_path / "acme.ini").write_text(acme)
    draft.write_text(acme)
    before = (tmp_path / "acme.ini").stat()
    assert "says this already" in run("apply", str(draft)).output
    assert (tmp_path / "acme.ini").stat().st_ino == before.st_ino


def test_apply_creates_a_file_readable_by_its_owner_only(run: Run, tmp_path: Path, acme: str, draft: Path):
    draft.write_text(acme)
    assert run("apply", str(draft)).exit_code == 0
    made = tmp_path / "acme.ini"
    assert made.read_text() == acme
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert (made.stat().st_uid, made.stat().st_gid) == (tmp_path.stat().st_uid, tmp_path.stat().st_gid)


@pytest.mark.parametrize("wrong", ["problem", "finding", "host"])
def test_apply_refuses_a_draft_with_anything_wrong(
    run: Run, tmp_path: Path, acme: str, draft: Path, wrong: str
):
    (tmp_path / "acme.ini").write_text(acme)
    (tmp_path / "zeta.ini").write_text("[organisation]\nname = Z\ncurrency = eur\nhosts = zeta.example\n")
    change = {
        "problem": ("currency", "curency"),
        "finding": ("Acme Records", "Unlucky"),
        "host": ("acme.example", "zeta.example"),
    }
    draft.write_text(acme.replace(*change[wrong]))
    result = run("apply", str(draft))
    assert result.exit_code == 1
    assert "is left as it was" in result.output
    assert (tmp_path / "acme.ini").read_text() == acme


def test_apply_does_not_overwrite_a_concurrent_edit(
    run: Run, tmp_path: Path, acme: str, draft: Path, monkeypatch: pytest.MonkeyPatch
):
    target = tmp_path / "acme.ini"
    target.write_text(acme)
    draft.write_text(acme.replace("Acme Records", "Acme Tapes"))

    def meanwhile(*_: object) -> Iterator[str]:
        target.write_text(acme + "# saved by somebody else\n")
        return iter(())

    monkeypatch.setattr(cli, "differences", meanwhile)
    result = run("apply", str(draft))
    assert isinstance(result.exception, EditError)
    assert "changed by another program" in str(result.exception)
    assert "somebody else" in target.read_text()


def test_apply_waits_for_no_other_command_that_changes_the_files(
    run: Run, tmp_path: Path, acme: str, draft: Path, schemas: PluginSchemas
):
    draft.write_text(acme)
    with TenantEditor(tmp_path, schemas).alone():
        assert isinstance(run("apply", str(draft)).exception, EditError)
    assert not (tmp_path / "acme.ini").exists()


def test_check_runs_the_checks_that_need_no_network(run: Run, tmp_path: Path, acme: str):
    write_private(tmp_path / "acme.ini", acme.replace("Acme Records", "Unlucky"))
    result = run("check")
    assert result.exit_code == 1
    assert result.output.startswith("acme: error: unlucky: the name brings bad luck (take another)\n")
    (finding,) = json.loads(run("check", "--json").output)["findings"]
    assert (finding["organisation"], finding["code"]) == ("acme", "unlucky")


@pytest.mark.parametrize(
    ("ini", "key", "directory", "found"),
    [
        (0o600, 0o600, 0o755, []),
        (0o640, 0o640, 0o755, []),
        (0o644, 0o600, 0o755, ["acme.ini"]),
        (0o600, 0o644, 0o755, ["key"]),
        (0o644, 0o644, 0o750, []),
    ],
)
def test_a_world_readable_file_with_secrets_is_a_warning(
    run: Run, tmp_path: Path, acme: str, ini: int, key: int, directory: int, found: list[str]
):
    (tmp_path / "acme.ini").write_text(acme + "seal = file:key\n")
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "acme.ini").chmod(ini)
    (tmp_path / "key").chmod(key)
    tmp_path.chmod(directory)
    report = json.loads(run("check", "--json").output)
    assert [each["code"] for each in report["findings"]] == ["readable_secrets"] * len(found)
    assert all(name in each["message"] for name, each in zip(found, report["findings"], strict=True))
    assert run("check").exit_code == 0


def test_a_world_readable_draft_with_secrets_is_a_warning(run: Run, tmp_path: Path, acme: str):
    write_private(tmp_path / "acme.ini", acme)
    tmp_path.chmod(0o755)
    drafts = tmp_path / "drafts"
    drafts.mkdir(0o755)
    (drafts / "acme.ini").write_text(acme.replace("Acme Records", "Acme"))
    (drafts / "acme.ini").chmod(0o644)
    for command in ("check", "apply"):
        result = run(command, str(drafts / "acme.ini"))
        assert f"acme: warning: readable_secrets: {drafts / 'acme.ini'} contains secrets" in result.output
        assert result.exit_code == 0


def test_a_world_readable_file_without_secrets_is_no_warning(run: Run, tmp_path: Path, acme: str):
    (tmp_path / "key").write_text("sk_test_key")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "acme.ini").write_text(acme.replace("sk_test_abcdef", "file:key"))
    (tmp_path / "acme.ini").chmod(0o644)
    assert run("check").output == "1 organisation in order, 0 problems\n"


def test_check_reports_a_mistake_in_a_text(run: Run, tmp_path: Path, acme: str):
    write_private(tmp_path / "acme.ini", acme)
    text = tmp_path / "acme" / "mail" / "payments.receipt.de.md"
    text.parent.mkdir(parents=True)
    text.write_text("Subject: s\n\na mistake\n")
    expected = f"{text}:3: invalid_mail_template: there is a mistake (remove it)"
    for arguments in (["check"], ["check", "acme"]):
        result = run(*arguments)
        assert (result.exit_code, expected in result.output) == (1, True)
    write_private(tmp_path / "other.ini", acme.replace("acme.example, localhost:6543", "other.example"))
    assert run("check", "other").exit_code == 0


def test_a_draft_is_refused_while_a_text_has_a_mistake(run: Run, tmp_path: Path, acme: str):
    write_private(tmp_path / "acme.ini", acme)
    text = tmp_path / "acme" / "mail" / "mail.footer.de.md"
    text.parent.mkdir(parents=True)
    text.write_text("a mistake\n")
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    (drafts / "acme.ini").write_text(acme.replace("Acme Records", "Acme"))
    for command in ("check", "apply"):
        result = run(command, str(drafts / "acme.ini"))
        assert result.exit_code == 1
        assert f"{text}:1" in result.output
    assert "Acme Records" in (tmp_path / "acme.ini").read_text()


def test_show_names_the_texts(run: Run, tmp_path: Path, acme: str):
    write_private(tmp_path / "acme.ini", acme)
    text = tmp_path / "acme" / "mail" / "mail.footer.de.md"
    text.parent.mkdir(parents=True)
    text.write_text("Impressum\n")
    assert json.loads(run("show", "acme", "--json").output)["mail_texts"] == ["mail.footer.de.md"]
