"""The translations of texts: the files ``locale/<language>.po`` of the core and the plugins.

They are read when a process starts. So there is no compiled file that could be older than its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from autonomy_core.kernel.pages import Message, _
from autonomy_core.languages import ENGLISH, locale_of

DIRECTORY: Final = "locale"
SUFFIX: Final = ".po"

UNCLEAR: Final = _("Please check what you have entered here.")
"""Shown in other languages instead of a message about a field that the catalogue lacks."""


@cache
def catalogues_in(package: str) -> Mapping[str, bytes]:
    """Return the translations of a package in gettext's binary form, by language.

    Args:
        package: the name of the package.

    Raises:
        ValueError: a catalogue cannot be read.
    """
    directory = files(package).joinpath(DIRECTORY)
    found: dict[str, bytes] = {}
    for each in directory.iterdir() if directory.is_dir() else ():
        language = each.name.removesuffix(SUFFIX)
        if each.name.endswith(SUFFIX) and locale_of(language) is not None:
            binary = BytesIO()
            catalogue = read_po(BytesIO(each.read_bytes()), locale=language.replace("-", "_"))
            write_mo(binary, catalogue)
            found[language] = binary.getvalue()
    return found


class Texts:
    """The texts of all packages in one language.

    Args:
        translations: gettext's object.
        is_source: whether the language is that of the source, English.
    """

    def __init__(self, translations: NullTranslations, *, is_source: bool) -> None:
        self.translations = translations
        self._is_source = is_source

    def text(self, text: str | Message, /, **values: object) -> str:
        """Translate a text, and replace ``%(name)s`` in it. Templates call this ``_``."""
        if isinstance(text, Message):
            return self.text(text.text, **text.values, **values)
        # gettext keeps the head of the catalogue under the empty text.
        found = self.translations.gettext(text) if text else ""
        return found % values if values else found

    def about_field(self, text: str | Message) -> str:
        """Translate a message about a field; a general one if the catalogue lacks it."""
        found = self.text(text)
        is_missing = found == text and not self._is_source
        return self.text(UNCLEAR) if is_missing else found


def texts_of(packages: Iterable[str]) -> Mapping[str, Texts]:
    """Return the texts of packages by language; a package before others has precedence.

    Args:
        packages: the names of the packages.
    """
    found: dict[str, NullTranslations] = {}
    for package in packages:
        for language, binary in catalogues_in(package).items():
            translations = GNUTranslations(BytesIO(binary))
            if language in found:
                found[language].add_fallback(translations)
            else:
                found[language] = translations
    by_language = {language: Texts(each, is_source=False) for language, each in found.items()}
    return {**by_language, ENGLISH: Texts(NullTranslations(), is_source=True)}
