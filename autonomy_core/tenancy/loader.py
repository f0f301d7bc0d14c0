"""Makes organisations from ini files, or reports all problems of a file."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import Schema

from autonomy_core.tenancy.domain import LoadedFile, Organisation, Problem, Version, id_problem
from autonomy_core.tenancy.parser import Entry, Ini, Section, parse
from autonomy_core.tenancy.reading import UNFINISHED_NS, is_unfinished, read_text
from autonomy_core.tenancy.schemas import CORE_SECTIONS, SECTION, OrganisationSchema
from autonomy_core.tenancy.secrets import References, resolving_from
from autonomy_core.tenancy.texts import ACCEPT_MAIL, MailChecks, read_texts
from autonomy_core.tenancy.themes import read_theme
from autonomy_core.tenancy.validation import Checked, check_section, did_you_mean

MAX_PROBLEMS = 100
"""The limit for one file: a file that is not an ini file must not fill the log and ``/health/ready``."""

PluginSchemas = Mapping[str, type[Schema] | None]
"""The section's schema of each installed plugin, by name; None for a plugin without settings."""


class TenantLoader:
    """Loads files one by one, in any thread. Reuses schema instances, because creating them is expensive.

    Args:
        plugin_schemas: the schemas of the installed plugins.
        mail_checks: what mail adds to the schemas.
        unfinished_ns: see `reading.UNFINISHED_NS`.
    """

    def __init__(
        self,
        plugin_schemas: PluginSchemas,
        mail_checks: MailChecks = ACCEPT_MAIL,
        unfinished_ns: int = UNFINISHED_NS,
    ) -> None:
        self._mail_checks = mail_checks
        self.unfinished_ns = unfinished_ns
        self._organisation_schema = OrganisationSchema()
        self._schemas = {name: schema() if schema else None for name, schema in plugin_schemas.items()}
        self._core_schemas = {name: schema() for name, schema in CORE_SECTIONS.items()}
        self._plugins: dict[tuple[str, ...], tuple[str, ...]] = {}
        # A plugin's schema need not be thread-safe.
        self._schema_lock = threading.Lock()

    def load(self, path: Path) -> LoadedFile:
        """Read and check the file. Problems of its content never raise."""
        text = read_text(path)
        if isinstance(text, Problem):
            return LoadedFile(path, None, (text,), is_unreadable=text.code == "unreadable_file")
        loaded = self.load_text(path, text)
        return (
            replace(loaded, is_unfinished=True) if is_unfinished(path, text, self.unfinished_ns) else loaded
        )

    def load_text(self, path: Path, text: str) -> LoadedFile:
        """Check a text as if it were the content of a file. Also read the organisation's texts and theme.

        Args:
            path: the file, which need not exist. Relative references start in its directory.
            text: the text.
        """
        ini = parse(path, text)
        with self._schema_lock, resolving_from(path.parent) as references:
            checked = self._check(path, ini)
        own = sorted(self._problems(path, ini, checked), key=lambda problem: problem.line)
        texts = read_texts(path, self._mail_checks.text, self.unfinished_ns)
        theme = read_theme(path, self._mail_checks.theme, self.unfinished_ns)
        problems = _shown([*own, *texts.problems, *theme.problems])
        parts = (texts.contents, theme.contents)
        organisation = None if problems else _organisation(path, checked, parts)
        version = self._version(organisation, ini, references) if organisation else None
        return LoadedFile(
            path,
            organisation,
            problems,
            version,
            tuple(references.files),
            references.uses_environment,
            references.has_unreadable or texts.is_unreadable or theme.is_unreadable,
            texts.is_unfinished or theme.is_unfinished,
            (*texts.files, *theme.files),
        )

    def make(self, version: Version) -> Organisation | None:
        """Make the organisation from the content of a version, without reading its files again.

        Args:
            version: the version.

        Returns:
            The organisation; None if the content does not fit the current code, because a schema changed or a
            plugin is no longer installed.

        Raises:
            ValueError: the version has no content.
        """
        if not self._schemas.keys() >= set(version.plugins):
            return None
        content = text_of(version)
        sections, values, *parts = json.loads(content)
        ini = Ini({name: _section(name, entries) for name, entries in sections.items()}, [])
        with self._schema_lock, resolving_from(version.directory, values):
            checked = self._check(version.source, ini)
        in_order = not any(each.problems for each in checked.values())
        # Texts and theme are not checked again: what does not suit the current code is passed over.
        if not in_order:
            return None
        made = _organisation(version.source, checked, parts)
        return replace(made, digest=blake2b(content, digest_size=16).digest())

    def _version(self, organisation: Organisation, ini: Ini, references: References) -> Version:
        # Without comments and line numbers, so that editing only those is no change.
        sections = {name: section.values() for name, section in ini.sections.items()}
        # Without empty parts at the end, so that recorded versions without texts stay equal.
        parts = [dict(organisation.mail_texts), dict(organisation.theme)]
        while parts and not parts[-1]:
            parts.pop()
        content = json.dumps((sections, references.values, *parts), ensure_ascii=False)
        return Version(
            id=organisation.id,
            directory=organisation.source.parent,
            hosts=organisation.hosts,
            hosts_line=_line_of(ini, "hosts"),
            # Share the tuples: thousands of organisations have few different combinations.
            plugins=self._plugins.setdefault(organisation.plugins, organisation.plugins),
            # Compressed: with ten thousand organisations, the texts take most of the memory.
            content=zlib.compress(content.encode(), 1),
        )

    def _check(self, path: Path, ini: Ini) -> dict[str, Checked]:
        """Check the core's sections and those of all installed plugins that ``[organisation]`` uses."""
        section = ini.sections.get(SECTION) or Section(SECTION, 1)
        checked = {SECTION: check_section(path, section, self._organisation_schema)}
        for name, schema in self._core_schemas.items():
            checked[name] = check_section(path, ini.sections.get(name) or Section(name, 1), schema)
        for plugin in _plugins(checked):
            if plugin in self._schemas:
                section = ini.sections.get(plugin) or Section(plugin, _line_of(ini, "plugins"))
                checked[plugin] = check_section(path, section, self._schemas[plugin])
        return checked

    def _problems(self, path: Path, ini: Ini, checked: dict[str, Checked]) -> Iterator[Problem]:
        yield from ini.problems
        problem = id_problem(path, path.stem)
        if problem:
            yield problem
        if SECTION not in ini.sections:
            remedy = "add it, with name and currency"
            yield Problem(path, 1, "missing_section", f"there is no section [{SECTION}]", remedy)
            return
        yield from self._plugin_problems(path, ini, _plugins(checked))
        for each in checked.values():
            yield from each.problems
        yield from self._problem_of_mailer(path, ini, checked["mail"].data)

    def _problem_of_mailer(self, path: Path, ini: Ini, mail: Mapping[str, Any]) -> Iterator[Problem]:
        """A mistyped mailer would let the organisation's mail wait, and give it up after days."""
        name, known = (mail.get("url") or "").partition(":")[0], self._mail_checks.mailers
        if name and known is not None and name not in known:
            line = ini.sections["mail"].entries["url"].line
            message = f"no way to send mail is called {name!r}"
            yield Problem(path, line, "invalid_value", message, did_you_mean(name, known))

    def _plugin_problems(self, path: Path, ini: Ini, plugins: tuple[str, ...]) -> Iterator[Problem]:
        for plugin in plugins:
            if plugin not in self._schemas:
                message, remedy = f"no plugin {plugin!r} is installed", did_you_mean(plugin, self._schemas)
                yield Problem(path, _line_of(ini, "plugins"), "unknown_plugin", message, remedy)
        for name in ini.sections.keys() - {SECTION, *CORE_SECTIONS, *plugins}:
            yield self._stray_section(path, ini.sections[name])

    def _stray_section(self, path: Path, section: Section) -> Problem:
        name = section.name
        if name in self._schemas:
            message, remedy = (
                f"[{name}] is configured but not in use",
                "add it to plugins, or remove the section",
            )
            return Problem(path, section.line, "plugin_disabled_but_configured", message, remedy)
        remedy = did_you_mean(name, {SECTION, *CORE_SECTIONS, *self._schemas})
        return Problem(path, section.line, "unknown_section", f"nothing reads [{name}]", remedy)


def text_of(version: Version) -> bytes:
    """The sections of a version's file, the values of its references, its texts and its theme, as JSON.

    Raises:
        ValueError: the version has no content.
    """
    if version.content is None:
        raise ValueError(f"{version.source} was not read")
    return zlib.decompress(version.content)


def _shown(problems: list[Problem]) -> tuple[Problem, ...]:
    left_out = problems[MAX_PROBLEMS:]
    if not left_out:
        return tuple(problems)
    first, count = left_out[0], len(left_out)
    more = Problem(
        first.file, first.line, "syntax", f"and {count} more from here on", "mend those above first"
    )
    return (*problems[:MAX_PROBLEMS], more)


def load_file(path: Path, plugin_schemas: PluginSchemas, mail_checks: MailChecks = ACCEPT_MAIL) -> LoadedFile:
    """Read and check one tenant file, and the organisation's texts.

    Args:
        path: the file.
        plugin_schemas: the schemas of the installed plugins.
        mail_checks: what mail adds to the schemas.
    """
    return TenantLoader(plugin_schemas, mail_checks).load(path)


def _organisation(
    path: Path, checked: dict[str, Checked], parts: Sequence[Mapping[str, str]]
) -> Organisation:
    """The organisation with its texts and its theme, if there are any."""
    settings = {name: _freeze(each.data) for name, each in checked.items() if name != SECTION}
    texts, theme = (*parts, {}, {})[:2]
    return Organisation(
        id=path.stem,
        settings=MappingProxyType(settings),
        source=path,
        mail_texts=MappingProxyType(dict(texts)),
        theme=MappingProxyType(dict(theme)),
        **checked[SECTION].data,
    )


def _section(name: str, entries: Mapping[str, str]) -> Section:
    return Section(name, 1, {key: Entry(value, 1) for key, value in entries.items()})


def _plugins(checked: dict[str, Checked]) -> tuple[str, ...]:
    return tuple(checked[SECTION].data.get("plugins", ()))


def _line_of(ini: Ini, key: str) -> int:
    section = ini.sections.get(SECTION)
    if section is None:
        return 1
    return section.entries[key].line if key in section.entries else section.line


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    return value
