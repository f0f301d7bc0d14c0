"""Checks the files of a theme when they are read. A version with a bad file does not come into service."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from jinja2 import TemplateSyntaxError

from autonomy_core.kernel.pages import PageParts
from autonomy_core.pages.templates import Library, code_of
from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.themes import DIRECTORY, TEMPLATES
from autonomy_core.tenancy.validation import did_you_mean

OWN: Final = "theme/"
"""Templates of this directory are the theme's own: those that it replaces include them."""

LONGEST_TEMPLATE: Final = 100_000
"""In characters."""


class ThemeCheck:
    """Finds the problems of a file.

    Args:
        parts: what the core and the plugins have registered.
    """

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    @cached_property
    def _known(self) -> Collection[str]:
        """The names of all shipped templates. They are only read if an organisation has a theme."""
        return Library(self._parts).every().keys()

    def __call__(self, file: Path, text: str) -> Iterator[Problem]:
        """Yield the problems of a file.

        Args:
            file: its path.
            text: its content.
        """
        if file.suffix != ".html":
            return
        name = file.as_posix().rpartition(f"/{DIRECTORY}/{TEMPLATES}/")[2]
        if not name.startswith(OWN) and name not in self._known:
            message, remedy = f"there is no template {name!r} to replace", did_you_mean(name, self._known)
            yield Problem(file, 1, "invalid_theme", message, remedy)
        elif len(text) > LONGEST_TEMPLATE:
            message = f"it is longer than {LONGEST_TEMPLATE} characters"
            yield Problem(file, 1, "invalid_theme", message, "shorten the template")
        else:
            try:
                code_of(text, name, f"{DIRECTORY}/{TEMPLATES}/{name}", is_sandboxed=True)
            except TemplateSyntaxError as error:
                message = error.message or "it has a syntax error"
                yield Problem(file, error.lineno, "invalid_theme", message, "correct the template")
            except (RecursionError, SyntaxError):
                message = "its blocks or expressions are nested too deeply"
                yield Problem(file, 1, "invalid_theme", message, "simplify the template")
