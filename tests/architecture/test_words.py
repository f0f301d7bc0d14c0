"""Words that left the code stay out of it: `USE` says what stands in their place."""

import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = ("autonomy_core", "plugins", "demo", "bench", "examples")
TEXTS = (
    "*.md",
    "autonomy_core/**/*.js",
    "autonomy_core/**/*.md",
    "autonomy_core/**/*.txt",
    "changelog.d/*.md",
    "docs/**/*.md",
    "examples/**/*.md",
    "plugins/**/*.md",
)

USE = {
    "neighbour": "other_organisation",
    "lent": "commit_forbidden",
    "untold": "notify",
    "patience": "statement_timeout",
    "desk": "admin",
    "note_once": "append_unless_known",
    "note_news": "append_if_new",
    "longest_pause": "idle_timeout",
    "truth": "strict_boolean",
    "settle_at_once": "settle_batch",
    "asking": "requesting, or session_sync",
    "knowing": "the name of what is known",
    "missed": "event_backfill",
    "misses": "attempt_limit",
    "books": "ledger or records",
    "tell_of": "notify_of",
}
"""Parts of identifiers, in snake case, and what to use instead."""

PEOPLE = re.compile(
    r"\b(whoever|whomever|nobody|somebody|anybody|everybody|anyone|everyone|someone|those who|taken along"
    r"|of its own accord)\b",
    re.IGNORECASE,
)
"""Words for people. In a comment or a docstring, name the subject: a customer, a process, a transaction."""

IDENTIFIER = re.compile(r"\w+")

LITERAL = re.compile(r"``.*?``|`.*?`")
"""Code within prose: a stored value such as ``nobody`` keeps its spelling."""


SPOKEN = re.compile(r"```.*?```", re.DOTALL)
"""Code blocks of a document, with examples of input."""


def files(*roots):
    return [path for root in roots for path in sorted((ROOT / root).rglob("*.py"))]


def snake(identifier):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).lower().strip("_")


@cache
def words_in(identifier):
    """The words of `USE` that an identifier contains as whole parts."""
    parts = f"_{snake(identifier)}_"
    return [word for word in USE if f"_{word}_" in parts or f"_{word}s_" in parts]


def people_in(text):
    return [found[0] for found in PEOPLE.finditer(LITERAL.sub("", text))]


def uses(path, words_in=words_in):
    """The uses of a file: the line, the word, and what to write instead."""
    text = path.read_text("utf-8")
    # Few files need the slow tokenizer.
    if not PEOPLE.search(text) and not any(map(words_in, set(IDENTIFIER.findall(text)))):
        return
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield from (f"{token.start[0]}: {word}; write {USE[word]}" for word in words_in(token.string))
        # A string that begins a statement is a docstring.
        is_docstring = token.type == tokenize.STRING and before in {tokenize.NEWLINE, tokenize.INDENT}
        if token.type == tokenize.COMMENT or is_docstring:
            for number, line in enumerate(token.string.splitlines(), start=token.start[0]):
                for found in people_in(line):
                    yield f"{number}: {found}; name the subject"
        if token.type not in {tokenize.COMMENT, tokenize.NL, tokenize.DEDENT}:
            before = token.type


def test_the_words_that_went_stay_away():
    found = [f"{path.relative_to(ROOT)}:{use}" for path in files(*ROOTS) for use in uses(path)]
    # Tests name the things that they try as they like, and describe them as the code does.
    for path in files("tests"):
        found += [f"{path.relative_to(ROOT)}:{use}" for use in uses(path, words_in=lambda _: [])]
    assert found == []


def test_documents_name_their_subjects():
    texts = {path for pattern in TEXTS for path in ROOT.glob(pattern)}
    assert len(texts) > 100
    found = {
        f"{path.relative_to(ROOT)}: {word}"
        for path in texts
        for word in people_in(SPOKEN.sub("", path.read_text("utf-8")))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ("neighbours", ["neighbour"]),
        ("EndpointDesk", ["desk"]),
        ("longest_pause_s", ["longest_pause"]),
        ("untold", ["untold"]),
        ("desktop", []),
        ("talent", []),
        ("settle_at_once", ["settle_at_once"]),
        ("read_at_once", []),
        ("tell", []),
    ],
)
def test_it_finds_whole_words_in_identifiers(identifier, found):
    assert words_in(identifier) == found


def test_it_reads_comments_and_docstrings_but_no_code_in_them(tmp_path):
    source = tmp_path / "source.py"
    source.write_text('"""Whoever asks.\n\nFor ``nobody``."""\nNAME = "nobody"\n# Somebody waits.\n', "utf-8")
    assert list(uses(source)) == ["1: Whoever; name the subject", "5: Somebody; name the subject"]
