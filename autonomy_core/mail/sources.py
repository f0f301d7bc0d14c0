"""Finds the sources of mail templates: those of the packages, and those of an organisation.

A source is the file ``<template>.<language>.md``. A package has its sources in its directory ``mail``. An
organisation has its own in ``<id>/mail`` beside its ini file; they replace a package's source of the same
name, or add a language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.languages import ENGLISH
from autonomy_core.mail.compiling import Source, compile_mail, compile_part
from autonomy_core.mail.templates import FOOTER

DIRECTORY = "mail"

_NAME = re.compile(r"(?P<template>[a-z0-9_]+\.[a-z0-9_]+)\.(?P<language>[A-Za-z0-9-]+)\.md")


def split_name(file_name: str) -> tuple[str, str] | None:
    """Return the template and the language of a file's name; None if the name has another form."""
    found = _NAME.fullmatch(file_name)
    return (found["template"], found["language"]) if found else None


@cache
def _sources_of(package: str) -> Mapping[str, Mapping[str, str]]:
    """The sources in a package, by template and language."""
    found: dict[str, dict[str, str]] = {}
    directory = files(package).joinpath(DIRECTORY)
    for each in directory.iterdir() if directory.is_dir() else ():
        if (parts := split_name(each.name)) is not None:
            template, language = parts
            found.setdefault(template, {})[language] = each.read_text("utf-8")
    return found


def shipped(template: MailTemplate) -> Mapping[str, str]:
    """Return the package's sources of a template by language.

    Args:
        template: the template.

    Raises:
        ModuleNotFoundError: its package does not exist.
    """
    return _sources_of(template.package).get(template.name, {})


def brought_by(plugin: str, templates: Iterable[MailTemplate]) -> Mapping[str, str]:
    """Return the sources that a plugin has of mails that are not its own, by file name.

    They replace a text or add a language, for the organisations that have enabled the plugin.

    Args:
        plugin: the plugin.
        templates: all templates. Those of the plugin name its packages.
    """
    own_names = f"{plugin}."
    return {
        f"{name}.{language}.md": text
        for package in sorted({each.package for each in templates if each.name.startswith(own_names)})
        for name, sources in _sources_of(package).items()
        if not name.startswith(own_names)
        for language, text in sources.items()
    }


def problem_of_sources(template: MailTemplate) -> str | None:
    """Return what a package's sources lack, with the remedy; None if the template can be sent.

    Args:
        template: the template.
    """
    try:
        if ENGLISH in shipped(template):
            return None
    except ModuleNotFoundError:
        return f"names the package {template.package!r}, which cannot be imported"
    return (
        f"has no text in English: add the file {DIRECTORY}/{template.name}.{ENGLISH}.md to the package "
        f"{template.package}, and to the distribution's package data"
    )


def own(texts: Mapping[str, str], name: str) -> Mapping[str, str]:
    """Return an organisation's sources of a template by language.

    Args:
        texts: the organisation's sources by file name.
        name: the name of the template.
    """
    found = ((split_name(file_name), text) for file_name, text in texts.items())
    return {parts[1]: text for parts, text in found if parts is not None and parts[0] == name}


def compiled(template: MailTemplate, text: str) -> Source:
    """Compile a source.

    Raises:
        TemplateProblem: it has an error.
    """
    return compile_part(text) if template.name == FOOTER.name else compile_mail(text)
