from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from marshmallow import EXCLUDE, Schema

from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.domain import RESERVED_IDS, LoadedFile, ProblemCode
from autonomy_core.tenancy.loader import MAX_PROBLEMS, PluginSchemas, load_file
from autonomy_core.tenancy.secrets import Secret

Load = Callable[..., LoadedFile]
Codes = Callable[..., list[tuple[int, str]]]


def test_a_file_in_order_becomes_an_organisation(load: Load, acme: str, tmp_path: Path):
    organisation = load(acme).organisation
    assert organisation is not None
    assert (organisation.id, organisation.name, organisation.currency) == ("acme", "Acme Records", "eur")
    assert organisation.hosts == ("acme.example", "localhost:6543")
    assert organisation.plugins == ("cards", "music")
    assert organisation.source == tmp_path / "acme.ini"
    assert organisation.support_email is None
    assert dict(organisation.settings["cards"]) == {
        "environment": "test",
        "test_secret_key": Secret("sk_test_abcdef"),
        "retries": 2,
    }
    assert dict(organisation.settings["music"]) == {}


def test_an_organisation_is_immutable_and_hides_its_secrets(load: Load, acme: str):
    organisation = load(acme).organisation
    assert organisation is not None
    with pytest.raises(TypeError):
        organisation.settings["cards"]["environment"] = "live"
    assert "abcdef" not in repr(organisation)


def test_a_secret_that_is_not_utf8_is_a_problem_with_its_line(
    load: Load, acme: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ACME_SEAL", "hidden\udcff")
    (problem,) = load(f"{acme}seal = env:ACME_SEAL\n").problems
    assert (problem.line, problem.code) == (10, "unresolved_reference")
    assert "ACME_SEAL is not UTF-8 text" in problem.message
    assert "hidden" not in repr(problem)


def test_a_byte_order_mark_is_tolerated(load: Load, acme: str):
    assert load(b"\xef\xbb\xbf" + acme.encode()).organisation is not None


def test_name_and_currency_are_enough(load: Load):
    organisation = load("[organisation]\nname = Acme\ncurrency = usd\nhosts =\nplugins =\n").organisation
    assert organisation is not None
    assert (organisation.hosts, organisation.plugins) == ((), ())


def test_an_unknown_key_is_a_problem_with_a_suggestion(load: Load, acme: str):
    (problem,) = load(acme.replace("environment =", "enviroment =") + "environment = test\n").problems
    assert (problem.line, problem.code) == (8, "unknown_key")
    assert "'environment'" in problem.remedy


def test_a_schema_cannot_let_unknown_keys_pass(tmp_path: Path):
    class Careless(Schema):
        class Meta:
            unknown = EXCLUDE

    path = tmp_path / "acme.ini"
    path.write_text("[organisation]\nname = Acme\ncurrency = eur\nplugins = lax\n[lax]\ntypo = 1\n")
    (problem,) = load_file(path, {"lax": Careless}).problems
    assert (problem.line, problem.code) == (6, "unknown_key")


def test_a_plugin_without_settings_takes_no_keys(codes: Codes, acme: str):
    assert codes(acme + "[music]\n") == []
    assert codes(acme + "[music]\nvolume = 11\n") == [(11, "unknown_key")]


def test_an_unknown_section_is_a_problem_with_a_suggestion(load: Load, acme: str):
    (problem,) = load(acme + "[card]\na = 1\n").problems
    assert (problem.line, problem.code) == (10, "unknown_section")
    assert "'cards'" in problem.remedy


def test_a_missing_key_is_reported_at_its_sections_header(load: Load, acme: str):
    (problem,) = load(acme.replace("environment = test\n", "")).problems
    assert (problem.line, problem.code) == (7, "missing_key")
    assert "'environment'" in problem.message


def test_a_missing_section_is_reported_where_the_plugin_is_named(codes: Codes):
    text = "[organisation]\nname = Acme\ncurrency = eur\nplugins = cards\n"
    assert codes(text) == [(4, "missing_key"), (4, "missing_key")]


def test_a_key_that_another_keys_value_requires_is_missing_too(codes: Codes, acme: str):
    assert codes(acme.replace("environment = test", "environment = live")) == [(7, "missing_key")]


def test_a_required_key_without_a_value_is_missing_at_its_own_line(codes: Codes, acme: str):
    assert codes(acme.replace(" sk_test_abcdef", "")) == [(9, "missing_key")]


def test_a_file_without_organisation_section_says_only_that(codes: Codes):
    assert codes("[cards]\nenvironment = test\n") == [(1, "missing_section")]
    assert codes("") == [(1, "missing_section")]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("currency = EUR", "currency = euros", 3),
        ("currency = EUR", "currency = xyz", 3),
        ("currency = EUR", "currency = xau", 3),
        ("name = Acme Records", "name = Acme\n  Records", 2),
        ("hosts = acme.example", "hosts = https://acme.example/", 4),
        ("plugins =", "support_email = nobody\nplugins =", 5),
        ("environment = test", "environment = staging", 8),
        ("environment = test", "environment = test\nretries = many", 9),
    ],
)
def test_a_value_of_the_wrong_type_is_invalid_at_its_line(
    codes: Codes, acme: str, old: str, new: str, line: int
):
    assert codes(acme.replace(old, new)) == [(line, "invalid_value")]


def test_every_invalid_host_is_named(load: Load, acme: str):
    (problem,) = load(
        acme.replace("acme.example,", "https://acme.example acme.example\n  shop/path")
    ).problems
    assert "not a host name: https://acme.example, shop/path" in problem.message


def test_a_plugin_that_is_not_installed_is_unknown(load: Load, acme: str):
    (problem,) = load(acme.replace("cards music", "cards musik") + "[musik]\na = 1\n").problems
    assert (problem.line, problem.code) == (5, "unknown_plugin")
    assert "'music'" in problem.remedy


def test_a_plugin_that_is_configured_but_not_in_use_is_a_problem(codes: Codes, acme: str):
    assert codes(acme.replace("plugins = cards music", "plugins = music")) == [
        (7, "plugin_disabled_but_configured")
    ]


def test_a_live_key_in_a_test_setting_is_refused_and_not_shown(load: Load, acme: str):
    (problem,) = load(acme.replace("sk_test_abcdef", "sk_live_abcdef")).problems
    assert (problem.line, problem.code) == (9, "live_key_in_test")
    assert "abcdef" not in str(problem)


def test_a_test_key_in_a_live_setting_is_refused_and_not_shown(load: Load, acme: str):
    (problem,) = load(acme + "secret_key = sk_test_abcdef\n").problems
    assert (problem.line, problem.code) == (10, "test_key_in_live")
    assert "abcdef" not in str(problem)


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE_AT_ALL", "file:not/there", "file:"])
def test_an_unresolvable_reference_is_reported_at_its_line(codes: Codes, acme: str, reference: str):
    assert codes(acme.replace("sk_test_abcdef", reference)) == [(9, "unresolved_reference")]


def test_a_reference_to_an_impossible_path_is_unresolvable(codes: Codes, acme: str):
    assert codes(acme.replace("sk_test_abcdef", "file:a\0b")) == codes(
        acme.replace("sk_test_abcdef", "file:nowhere")
    )


def test_a_file_that_is_no_ini_reports_its_first_problems_only(load: Load, acme: str):
    *shown, rest = load(acme + "nonsense\n" * 5000).problems
    assert len(shown) == MAX_PROBLEMS
    assert {problem.line for problem in shown} == set(range(shown[0].line, rest.line))
    assert rest.message == f"and {5000 - MAX_PROBLEMS} more from here on"


def test_a_file_reference_is_relative_to_the_ini(load: Load, acme: str, tmp_path: Path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("sk_test_fromfile\n")
    organisation = load(acme.replace("sk_test_abcdef", "file:secrets/key")).organisation
    assert organisation is not None
    assert organisation.settings["cards"]["test_secret_key"].reveal() == "sk_test_fromfile"


def test_a_file_that_is_not_utf8_is_reported_at_the_wrong_line(codes: Codes):
    assert codes("[organisation]\nname = Bücher\n".encode("latin-1")) == [(2, "not_utf8")]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, schemas: PluginSchemas):
    (tmp_path / "folder.ini").mkdir()
    (tmp_path / "dangling.ini").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.ini").symlink_to(tmp_path / "loop.ini")
    os.mkfifo(tmp_path / "pipe.ini")
    (tmp_path / "huge.ini").write_bytes(b"#" * (1024 * 1024 + 1))
    problems = load_directory(tmp_path, schemas).problems
    # The remedy names permissions only where they are the cause.
    assert not any("let the server's user read it" in problem.remedy for problem in problems)
    assert not any("fault" in problem.remedy for problem in problems)
    assert [(problem.file.stem, problem.code) for problem in problems] == [
        ("dangling", "unreadable_file"),
        ("folder", "unreadable_file"),
        ("huge", "unreadable_file"),
        ("loop", "unreadable_file"),
        ("pipe", "unreadable_file"),
    ]


@pytest.mark.parametrize("name", ["Acme", "ac", "1acme", "acme-", "ac_me", "a" * 41, "acme.old", "äcme"])
def test_a_file_name_that_is_no_valid_id_is_a_problem(codes: Codes, acme: str, name: str):
    assert codes(acme, f"{name}.ini") == [(1, "malformed_id")]


@pytest.mark.parametrize("name", sorted(RESERVED_IDS))
def test_an_id_used_by_the_servers_own_urls_is_reserved(codes: Codes, acme: str, name: str):
    assert codes(acme, f"{name}.ini") == [(1, "reserved_id")]


def test_the_first_file_by_name_keeps_a_duplicate_host(tmp_path: Path, schemas: PluginSchemas):
    text = "[organisation]\nname = Shop\ncurrency = eur\nhosts = {}\n"
    (tmp_path / "first.ini").write_text(text.format("shop.example"))
    (tmp_path / "second.ini").write_text(text.format("other.example, SHOP.example."))
    loaded = load_directory(tmp_path, schemas)
    assert {name: each.hosts for name, each in loaded.organisations.items()} == {
        "first": ("shop.example",),
        "second": ("other.example",),
    }
    (problem,) = loaded.problems
    assert (problem.file.name, problem.line, problem.code) == ("second.ini", 4, "duplicate_host")
    assert "first" in problem.message


def test_one_name_with_different_ports_is_two_hosts(tmp_path: Path, schemas: PluginSchemas):
    text = "[organisation]\nname = Shop\ncurrency = eur\nhosts = {}\n"
    (tmp_path / "first.ini").write_text(text.format("localhost:1"))
    (tmp_path / "second.ini").write_text(text.format("localhost:2"))
    assert load_directory(tmp_path, schemas).problems == ()


def test_all_problems_of_all_files_are_reported_at_once_in_order(
    tmp_path: Path, schemas: PluginSchemas, acme: str
):
    (tmp_path / "admin.ini").write_text("[organisation]\nname = Admin\nfoo = 1\nnonsense\n[bar]\n")
    (tmp_path / "zeta.ini").write_text(acme.replace("EUR", "€").replace("sk_test", "sk_live"))
    problems = load_directory(tmp_path, schemas).problems
    assert [(problem.file.name, problem.line, problem.code) for problem in problems] == [
        ("admin.ini", 1, "reserved_id"),
        ("admin.ini", 1, "missing_key"),
        ("admin.ini", 3, "unknown_key"),
        ("admin.ini", 4, "syntax"),
        ("admin.ini", 5, "unknown_section"),
        ("zeta.ini", 3, "invalid_value"),
        ("zeta.ini", 9, "live_key_in_test"),
    ]


def test_a_problem_reads_file_line_code_message_and_remedy(load: Load, acme: str, tmp_path: Path):
    (problem,) = load(acme.replace("environment = test\n", "")).problems
    assert str(problem) == (
        f"{tmp_path}/acme.ini:7: missing_key: [cards] needs 'environment' "
        "(add environment = … to the section)"
    )
    assert problem.code in get_args(ProblemCode)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [("environment =", "give it one"), ("environment = test\nretries =", "give it one, or remove the key")],
)
def test_only_an_optional_key_without_a_value_may_be_removed(load: Load, acme: str, line: str, remedy: str):
    (problem,) = load(acme.replace("environment = test", line)).problems
    assert (problem.code, problem.remedy) == ("missing_key", remedy)


def test_a_schema_that_raises_is_a_problem_without_the_values(load: Load):
    (problem,) = load(
        "[organisation]\nname = Acme\ncurrency = eur\nplugins = broken\n[broken]\ntoken = hunter2\n"
    ).problems
    assert (problem.line, problem.code) == (5, "invalid_value")
    assert "RuntimeError" in problem.message
    assert "hunter2" not in str(problem)


def test_hidden_working_copies_and_other_files_are_not_tenants(
    tmp_path: Path, schemas: PluginSchemas, acme: str
):
    for name in (".acme.ini", "acme.ini~", "acme.ini.bak", "README.md"):
        (tmp_path / name).write_text(acme)
    loaded = load_directory(tmp_path, schemas)
    assert (loaded.organisations, loaded.problems) == ({}, ())


def test_a_missing_directory_is_a_problem(tmp_path: Path, schemas: PluginSchemas):
    (problem,) = load_directory(tmp_path / "nowhere", schemas).problems
    assert problem.code == "unreadable_file"


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(" = ", "\t=\t") + "\t\n",
        lambda text: "\ufeff\r\n" + text.replace("\n", " \t\r\n"),
    ],
    ids=["byte order mark", "line ends of Windows", "tabs", "all of them"],
)
def test_a_file_is_read_with_any_line_ends_and_byte_order_mark(load, acme, saved):
    loaded = load(saved(acme.replace("Acme Records", "100% Acme #1; %(here)s")))
    assert loaded.problems == ()
    assert loaded.organisation is not None
    assert loaded.organisation.name == "100% Acme #1; %(here)s"


def test_a_key_indented_by_mistake_is_found_in_the_value_above(load, acme):
    (problem,) = load(acme.replace("hosts =", "\thosts =")).problems
    assert (problem.line, problem.code) == (3, "invalid_value")
    assert problem.message == "'currency', which goes on in line 4: not a currency"


@pytest.mark.parametrize("value", ["perhaps", "2"])
def test_a_switch_is_told_to_be_yes_or_no(load, acme, value):
    (problem,) = load(acme.replace("plugins =", f"refund_duplicates = {value}\nplugins =")).problems
    assert problem.line == 5
    assert "Write yes or no" in problem.message


MAIL = """
[mail]
from = shop@acme.example
reply_to = help@acme.example
colour = #1a2b3c
logo = https://acme.example/logo.png
url = smtps://shop@mail.example
password = hunter2
"""


def test_every_organisation_may_have_its_own_mail_account(load: Load, acme: str):
    organisation = load(acme + MAIL).organisation
    assert organisation is not None
    found = organisation.settings["mail"]
    assert (found["from_address"], found["password"]) == ("shop@acme.example", Secret("hunter2"))
    assert "hunter2" not in repr(organisation)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("password = hunter2\n", "", (11, "missing_key")),
        ("from = shop@acme.example\n", "", (11, "missing_key")),
        ("url = smtps://shop@mail.example\n", "", (16, "invalid_value")),
        ("#1a2b3c", "red", (14, "invalid_value")),
        ("https://acme.example", "http://acme.example", (15, "invalid_value")),
        ("smtps://shop@", "smtps://shop:hunter2@", (16, "invalid_value")),
        ("smtps://shop@mail.example", "directory:/var/www", (16, "invalid_value")),
        ("smtps://shop@mail.example", "directory:../files", (16, "invalid_value")),
        ("colour", "color", (14, "unknown_key")),
    ],
)
def test_a_problem_of_the_mail_section_has_its_line(
    load: Load, acme: str, old: str, new: str, problem: tuple[int, str]
):
    (found,) = load(acme + MAIL.replace(old, new)).problems
    assert (found.line, found.code) == problem
    assert "hunter2" not in str(found)
