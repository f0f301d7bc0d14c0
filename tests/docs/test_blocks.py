"""Code blocks of the documents are valid JSON, ini files, Python and diagrams."""

from __future__ import annotations

import configparser
import doctest
import json
import re

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.settings import load_settings
from autonomy_core.tenancy.loader import load_file
from autonomy_core.tenancy.schemas import CORE_SECTIONS
from tests.docs.markdown import DOCUMENTS

LANGUAGES = {"console", "ini", "js", "json", "lighttpd", "mermaid", "nginx", "python", "sql", "text", "ts"}

SAMPLES = {
    "test_secret_key": "sk_test_sample",
    "test_webhook_secret": "whsec_test_sample",
    "secret_key": "sk_live_sample",
    "webhook_secret": "whsec_live_sample",
    "autonomy.secret": "s" * 48,
    "autonomy.mail.password": "correct horse",
    "password": "correct horse",
    "access_key": "AKEXAMPLE",
    "autonomy.files.access_key": "AKEXAMPLE",
    "autonomy.files.secret_key": "correct horse",
    "autonomy.files.cdn_private_key": "a key in PEM",
    "providers": "correct horse",
}
"""The value of a reference in an example, by its key."""

ORGANISATION = "[organisation]\nname = Acme\ncurrency = eur\nplugins = {}\n\n"
DIAGRAMS = {"sequenceDiagram", "stateDiagram-v2", "flowchart"}
OPENS, CLOSES = {"alt", "opt", "loop", "par", "critical", "rect", "box"}, "end"


def every(language):
    return [
        pytest.param(block, id=f"{document.name}:{block.line}")
        for document in DOCUMENTS
        for block in document.blocks(language)
    ]


def test_every_code_block_names_its_language():
    unknown = [
        f"{document.name}:{block.line}: {block.language or 'no language'}"
        for document in DOCUMENTS
        for block in document.all_blocks
        if block.language not in LANGUAGES
    ]
    assert not unknown


@pytest.mark.parametrize("block", every("json"))
def test_json_can_be_parsed(block):
    json.loads(block.text)


@pytest.mark.parametrize("block", every("python"))
def test_python_can_be_compiled_and_its_sessions_are_true(block):
    if ">>>" not in block.text:
        compile(block.text, "<document>", "exec")
        return
    session = doctest.DocTestParser().get_doctest(block.text, {}, "document", None, block.line)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed == 0


def keys_of(block):
    parser = configparser.RawConfigParser(strict=True, default_section="nobody's", delimiters=("=",))
    parser.optionxform = str
    parser.read_string(
        block.text if block.text.lstrip("#\n ").startswith("[") else f"[snippet]\n{block.text}"
    )
    return {name: dict(parser[name]) for name in parser.sections()}


def with_real_references(block, sections, directory, monkeypatch):
    """The text with every reference resolvable."""
    text = block.text.replace("/etc/autonomy", str(directory))
    for keys in sections.values():
        for key, word in ((key, word) for key, value in keys.items() for word in value.split()):
            kind, _, target = word.partition(":")
            if kind == "env":
                monkeypatch.setenv(target, SAMPLES[key])
            elif kind == "file" and not target.startswith("//"):
                path = directory / target.replace("/etc/autonomy", str(directory))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(SAMPLES[key], "utf-8")
    return text


@pytest.mark.parametrize("block", every("ini"))
def test_ini_examples_are_accepted_by_the_server(block, tmp_path, monkeypatch):
    sections = keys_of(block)
    text = with_real_references(block, sections, tmp_path, monkeypatch)
    plugins = Plugins.from_entry_points()
    offered = {name: PluginSettings() for name in plugins.names} | dict(
        plugins.registered("register_settings")
    )
    if "app:main" in sections:
        (tmp_path / "server.ini").write_text(text, "utf-8")
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        load_settings(dict(parser["app:main"]), {name: each.server for name, each in offered.items()})
    elif sections.keys() & ({"organisation"} | CORE_SECTIONS.keys() | offered.keys()):
        used = " ".join(sections.keys() - CORE_SECTIONS.keys())
        whole = text if "organisation" in sections else ORGANISATION.format(used) + text
        path = tmp_path / "acme.ini"
        path.write_text(whole, "utf-8")
        loaded = load_file(path, {name: each.organisation for name, each in offered.items()})
        assert [str(problem) for problem in loaded.problems] == []


@pytest.mark.parametrize("block", every("mermaid"))
def test_diagrams_begin_with_their_kind_and_close_what_they_open(block):
    lines = [line.strip() for line in block.text.splitlines() if line.strip()]
    assert lines[0].split()[0] in DIAGRAMS
    words = [re.split(r"[\s:]", line)[0] for line in lines[1:]]
    if lines[0] == "sequenceDiagram":
        assert sum(word in OPENS for word in words) == words.count(CLOSES)
        named = {line.split()[1] for line in lines if line.startswith(("participant ", "actor "))}
        arrows = (re.match(r"(\w+)\s*-{1,2}[>x)]+[+-]?\s*(\w+):", line) for line in lines)
        assert {who for arrow in arrows if arrow for who in arrow.groups()} <= named
    assert block.text.count("{") == block.text.count("}")
    # In a diagram a semicolon ends a statement, also inside a label.
    assert ";" not in block.text
