"""The tables and lists in the documents are those of the code: errors, settings, commands."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import click
import pytest

from autonomy_core import errors
from autonomy_core.cli.commands import autonomy
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.settings_schema import ServerSchema
from autonomy_core.tenancy.schemas import CORE_SECTIONS, OrganisationSchema
from stripe_payments.domain import HANDLED_EVENTS
from tests.docs.markdown import DOCUMENTS, ROOT, Document, codes, entries, rows
from tests.docs.shell import commands

ERRORS = Document(ROOT / "docs" / "api" / "errors.md")
INDEX = Document(ROOT / "docs" / "README.md")
FLOW = Document(ROOT / "docs" / "stripe-payment-flow.md")
ADMINS = Document(ROOT / "docs" / "admins.md")
PURCHASE = Document(ROOT / "docs" / "api" / "purchase-endpoint.md")
PLUGINS = ("customer_auth", "media_mp3", "storefront", "stripe_payments")
TEST = re.compile(r"def (test_\w+)")


def import_everything():
    for name in ("autonomy_core", *PLUGINS):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not re.search(r"\.(testing|simulator|migrations|versions|__main__)(\.|$)", module.name):
                importlib.import_module(module.name)


def public_kinds():
    import_everything()
    known = [errors.AutonomyError]
    while known:
        kind = known.pop()
        known += kind.__subclasses__()
        if kind.__module__.split(".")[0] in ("autonomy_core", *PLUGINS) and ".testing" not in kind.__module__:
            yield kind


def public_errors():
    return {kind.code: str(kind.status) for kind in public_kinds()}


def test_every_error_code_is_documented_with_its_status():
    table = {code: status for terms, status, _ in entries(ERRORS.section("All codes")) for code in terms}
    assert table == public_errors()


def test_every_member_of_an_error_is_documented_with_its_code():
    section = ERRORS.text.partition("Some codes have members of their own")[2].partition("\n#")[0]
    listed = {
        (member, code)
        for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]
        for sentence in re.split(r"(?<=[.:]) ", item.replace("\n", " "))
        if " with " in sentence
        for member in re.findall(r"`(\w+)`", sentence.partition(" with ")[0])
        for code in re.findall(r"`(\w+)`", sentence.partition(" with ")[2])
    }
    has = {(member, kind.code) for kind in public_kinds() for member in vars(kind).get("members", {})}
    assert has - listed == set()


def test_every_error_tells_a_client_what_to_do():
    silent = [terms for terms, _, text in entries(ERRORS.section("All codes")) if " Client: " not in text]
    assert not silent


def offered():
    plugins = Plugins.from_entry_points()
    settings = dict(plugins.registered("register_settings"))
    return {name: settings.get(name, PluginSettings()) for name in PLUGINS}


def documented_keys(heading):
    return {key for terms, *_ in entries(INDEX.section(heading)) for key in terms}


def field_names(schema):
    return {field.data_key or name for name, field in schema().fields.items()} if schema else set()


def test_every_key_of_the_servers_ini_file_is_documented():
    plugins = {f"{name}.{key}" for name, each in offered().items() for key in field_names(each.server)}
    assert documented_keys("The server's ini file") == field_names(ServerSchema) | plugins


@pytest.mark.parametrize("section", ["organisation", "files", "images", "mail", *PLUGINS])
def test_every_key_of_an_organisations_ini_file_is_documented(section):
    core = {"organisation": OrganisationSchema, **CORE_SECTIONS}
    schema = core.get(section) or offered()[section].organisation
    assert documented_keys(f"`[{section}]`") == field_names(schema)


def documented_terms(section):
    """The terms of a section's lists, and what the first column of its tables has in backticks."""
    return {term for terms, *_ in entries(section) for term in terms} | {
        code for cell, *_ in rows(section) for code in codes(cell)
    }


@pytest.mark.parametrize(
    "section", [FLOW.section("4. Inbox"), ADMINS.section("Stripe, test")], ids=["flow", "admins"]
)
def test_every_type_of_event_that_is_handled_is_documented(section):
    assert {code for code in documented_terms(section) if "." in code} == HANDLED_EVENTS


@pytest.mark.parametrize(
    "section", [FLOW.section("6. Settlement"), PURCHASE.section("Afterwards")], ids=["flow", "purchase"]
)
def test_every_status_of_a_payment_is_documented(section):
    assert documented_terms(section) - {"status"} == set(PaymentStatus)


def test_every_scope_is_documented_as_the_code_has_it():
    table = {
        codes(scope)[0]: allows for scope, allows in rows(ADMINS.section("Keys for staff")) if codes(scope)
    }
    assert table == {str(scope): allows for scope, allows in SCOPES.items()}


def names(text, path):
    """Whether a source text names a module of the core, by its dotted name or as `name` beside it."""
    dotted = ".".join(Path(path).with_suffix("").parts)
    return re.search(rf"`{Path(path).stem}`|\b{re.escape(dotted)}\b", text) is not None


def test_every_question_of_a_new_reader_takes_two_files_from_app():
    core = ROOT / "autonomy_core"
    table = [
        (codes(first)[0], codes(second)[0]) for _, first, second in [*rows(INDEX.section("Key files"))][1:]
    ]
    assert len(table) == 20
    lost = []
    for first, second in table:
        assert (core / second).is_file()
        if not names((core / "app.py").read_text("utf-8"), first):
            lost.append(f"app.py: {first}")
        if not names((core / first).read_text("utf-8"), second):
            lost.append(f"{first}: {second}")
    assert not lost


def shown_commands():
    """Every simple command in a console block, and every one that prose or a table names."""
    for document in DOCUMENTS:
        for block in document.blocks("console"):
            for command in commands(block.text, block.line):
                yield from ((document.name, line) for line in command.text.splitlines())
        yield from ((document.name, code) for code in codes(document.prose))


def words_after(program, line):
    """The arguments after a program in a line, at every place where a command can begin."""
    for found in re.finditer(rf"(?:^|[|;&(]|\$\()\s*(?:\S*/)?{program}\s+([^|;&)]*)", line):
        try:
            yield shlex.split(found[1], comments=True)
        except ValueError:
            yield found[1].split()


def unknown_words(words):
    """The first word that is no command of ``autonomy``, or None."""
    command, context = autonomy, click.Context(autonomy, info_name="autonomy")
    takes_value = {"-c", "--config"}
    rest = iter(words)
    for word in rest:
        if not isinstance(command, click.Group):
            return None
        if word in takes_value:
            next(rest, None)
        elif word.startswith("-"):
            continue
        elif word in ("…", "..."):
            return None
        else:
            found = command.get_command(context, word)
            if found is None:
                return word
            command = found
    return None


def test_every_autonomy_command_that_is_named_exists():
    unknown = [
        f"{name}: {line}"
        for name, line in shown_commands()
        for words in words_after("autonomy", line)
        if unknown_words(words)
    ]
    assert not unknown


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    unknown = [
        f"{name}: {line}"
        for name, line in shown_commands()
        for words in words_after("make", line)
        if not {word for word in words if "=" not in word} <= targets
    ]
    assert not unknown


def test_every_selection_of_tests_that_is_named_selects_some():
    names = " ".join(
        f"{path.relative_to(ROOT)} {' '.join(TEST.findall(path.read_text('utf-8')))}"
        for path in (ROOT / "tests").rglob("test_*.py")
    )
    selections = {
        found for document in DOCUMENTS for found in re.findall(r"make test T=(\w+)", document.text)
    }
    assert {"customer_purchase_flow", "stripe_payment"} <= selections
    assert [selection for selection in selections if selection not in names] == []
