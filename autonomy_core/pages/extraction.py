"""Collects the texts of a package from its templates and its code, and updates its catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

METHODS: Final = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS: Final = {"**/templates/**.html": {"extensions": "jinja2.ext.i18n", "trimmed": "true"}}
WIDTH: Final = 100
"""The longest line of a catalogue, in characters."""

HEAD: Final = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"

"""
"""Without dates and names, so that two updates of the same texts are equal."""


def texts_in(directory: Path) -> Catalog:
    """Collect the texts of a package.

    Args:
        directory: of the package.
    """
    found = Catalog(charset="utf-8")
    for name, _, text, comments, context in extract_from_dir(directory, METHODS, OPTIONS):
        found.add(text, None, [(name, 0)], auto_comments=comments, context=context)
    return found


def catalogues_below(locale: Path) -> list[Path]:
    """Return the files of the catalogues in a directory, in the order of the languages."""
    return sorted(locale.glob("*.po"))


def updated(path: Path, texts: Catalog) -> bytes:
    """Return the content of a catalogue with all texts. Those that are gone are left out.

    Args:
        path: the file of the catalogue.
        texts: of the package.
    """
    catalogue = _read(path)
    catalogue.update(texts, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=WIDTH, omit_header=True, sort_by_file=True, include_lineno=False)
    head = HEAD.format(language=path.stem, plural_forms=catalogue.plural_forms)
    return head.encode() + written.getvalue().strip() + b"\n"


def problems_of(path: Path, texts: Catalog) -> Iterator[str]:
    """Yield what is wrong with a catalogue: a text without translation, or one that is only guessed.

    Args:
        path: the file of the catalogue.
        texts: of the package.
    """
    catalogue = _read(path)
    for text in texts:
        found = catalogue.get(text.id, text.context) if text.id else None
        if not text.id:
            continue
        if found is None or not _is_translated(found.string):
            yield f"{path}: no translation of {text.id!r}"
        elif found.fuzzy:
            yield f"{path}: the translation of {text.id!r} is marked as fuzzy"
        else:
            yield from (f"{path}: {text.id!r}: {error}" for error in found.check(catalogue))


def _is_translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _read(path: Path) -> Catalog:
    return read_po(BytesIO(path.read_bytes()), locale=path.stem.replace("-", "_"))
