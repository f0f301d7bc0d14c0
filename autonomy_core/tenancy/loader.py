"""Makes organisations out of ini files, or says everything that is in the way."""

from __future__ import annotations

import errno
import json
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import Schema

from autonomy_core.tenancy.domain import LoadedFile, Organisation, Problem, Version, id_problem
from autonomy_core.tenancy.files import is_fresh, read_small_file, signature
from autonomy_core.tenancy.parser import Entry, Ini, Section, parse
from autonomy_core.tenancy.schemas import SECTION, OrganisationSchema
from autonomy_core.tenancy.secrets import References, resolving_from
from autonomy_core.tenancy.validation import Checked, check_section, did_you_mean

MOST_PROBLEMS = 100
"""Of one file. What has more is no ini file, and must not fill the log and the answer of ``/health/ready``."""

UNFINISHED_NS = 1_000_000_000
"""So long a file that does not end with a line's end is taken for one that an editor is still writing."""

SUFFIX = ".ini"

PluginSchemas = Mapping[str, type[Schema] | None]
"""By the name of every installed plugin, the schema of its section; None when it takes no settings."""


class TenantLoader:
    """Loads files one by one, in any thread. Keeps one instance of every schema, which is dear to make."""

    def __init__(self, plugin_schemas: PluginSchemas) -> None:
        self._organisation_schema = OrganisationSchema()
        self._schemas = {name: schema() if schema else None for name, schema in plugin_schemas.items()}
        self._plugins: dict[tuple[str, ...], tuple[str, ...]] = {}
        # Nobody asks of a plugin's schema that it can be used by several threads at once.
        self._one_at_a_time = threading.Lock()

    def load(self, path: Path) -> LoadedFile:
        """Read and check the file at `path`. Never raises for what is in the file."""
        text = read_text(path)
        if isinstance(text, Problem):
            return LoadedFile(path, None, (text,), is_unreadable=text.code == "unreadable_file")
        loaded = self.load_text(path, text)
        return replace(loaded, is_unfinished=True) if _is_unfinished(path, text) else loaded

    def load_text(self, path: Path, text: str) -> LoadedFile:
        """Check `text` as if it were what the file at `path` says."""
        ini = parse(path, text)
        with self._one_at_a_time, resolving_from(path.parent) as references:
            checked = self._check(path, ini)
        problems = _shown(sorted(self._problems(path, ini, checked), key=lambda problem: problem.line))
        organisation = None if problems else _organisation(path, checked)
        version = self._version(organisation, ini, references) if organisation else None
        return LoadedFile(
            path,
            organisation,
            problems,
            version,
            tuple(references.files),
            references.uses_environment,
            references.has_unreadable,
        )

    def make(self, version: Version) -> Organisation | None:
        """Make the organisation from what was read once, so that what has become of its files since does not matter.

        Returns None where the present code takes another view of the text than that which read it: a schema has changed,
        or a plugin is not installed any more.

        Raises:
            ValueError: the version has no content.
        """
        if not self._schemas.keys() >= set(version.plugins):
            return None
        sections, values = json.loads(text_of(version))
        ini = Ini({name: _section(name, entries) for name, entries in sections.items()}, [])
        with self._one_at_a_time, resolving_from(version.directory, values):
            checked = self._check(version.source, ini)
        in_order = not any(each.problems for each in checked.values())
        return _organisation(version.source, checked) if in_order else None

    def _version(self, organisation: Organisation, ini: Ini, references: References) -> Version:
        # Without comments and lines: an edit that changes nothing else is none.
        sections = {name: section.values() for name, section in ini.sections.items()}
        return Version(
            id=organisation.id,
            directory=organisation.source.parent,
            hosts=organisation.hosts,
            hosts_line=_line_of(ini, "hosts"),
            # Thousands of organisations share the few combinations that there are.
            plugins=self._plugins.setdefault(organisation.plugins, organisation.plugins),
            # Compressed: the texts are most of what ten thousand organisations take.
            content=zlib.compress(json.dumps((sections, references.values), ensure_ascii=False).encode(), 1),
        )

    def _check(self, path: Path, ini: Ini) -> dict[str, Checked]:
        """Check [organisation] and the section of every installed plugin it uses."""
        section = ini.sections.get(SECTION) or Section(SECTION, 1)
        checked = {SECTION: check_section(path, section, self._organisation_schema)}
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

    def _plugin_problems(self, path: Path, ini: Ini, plugins: tuple[str, ...]) -> Iterator[Problem]:
        for plugin in plugins:
            if plugin not in self._schemas:
                message, remedy = f"no plugin {plugin!r} is installed", did_you_mean(plugin, self._schemas)
                yield Problem(path, _line_of(ini, "plugins"), "unknown_plugin", message, remedy)
        for name in ini.sections.keys() - {SECTION, *plugins}:
            yield self._stray_section(path, ini.sections[name])

    def _stray_section(self, path: Path, section: Section) -> Problem:
        name = section.name
        if name in self._schemas:
            message, remedy = (
                f"[{name}] is configured but not in use",
                "add it to plugins, or remove the section",
            )
            return Problem(path, section.line, "plugin_disabled_but_configured", message, remedy)
        remedy = did_you_mean(name, {SECTION, *self._schemas})
        return Problem(path, section.line, "unknown_section", f"nothing reads [{name}]", remedy)


def text_of(version: Version) -> bytes:
    """The sections of a version's file and the values of its references, as JSON.

    Raises:
        ValueError: the version has no content.
    """
    if version.content is None:
        raise ValueError(f"{version.source} was not read")
    return zlib.decompress(version.content)


def _is_unfinished(path: Path, text: str) -> bool:
    return not text.endswith("\n") and is_fresh(signature(path), time.time_ns(), UNFINISHED_NS)


def _shown(problems: list[Problem]) -> tuple[Problem, ...]:
    left_out = problems[MOST_PROBLEMS:]
    if not left_out:
        return tuple(problems)
    first, count = left_out[0], len(left_out)
    more = Problem(
        first.file, first.line, "syntax", f"and {count} more from here on", "mend those above first"
    )
    return (*problems[:MOST_PROBLEMS], more)


def load_file(path: Path, plugin_schemas: PluginSchemas) -> LoadedFile:
    """Read and check the tenant file at `path`."""
    return TenantLoader(plugin_schemas).load(path)


def tenant_files(directory: Path) -> list[Path]:
    """Return the ini files in `directory` by name; an editor's hidden working copies are none."""
    return sorted(path for path in directory.iterdir() if is_tenant_file(path.name))


def is_tenant_file(name: str) -> bool:
    """Tell whether a file of this name describes a tenant."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def unreadable_directory(directory: Path, error: OSError) -> Problem:
    """Return the problem of a directory that cannot be listed."""
    message = f"the directory of the tenants cannot be read: {error.strerror or error}"
    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    remedy = "make it, or set its path in the server's ini" if is_missing else _remedy(error)
    return Problem(directory, 1, "unreadable_file", message, remedy)


def read_text(path: Path) -> str | Problem:
    """Return what a file says, or why that cannot be told."""
    try:
        content = read_small_file(path)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(path, line, "not_utf8", "the file is not UTF-8 text", "save it in the encoding UTF-8")
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and not path.is_symlink():
            return Problem(
                path, 1, "unreadable_file", "there is no such file", "correct the path, or make the file"
            )
        message = f"the file cannot be read: {error.strerror or error}"
        return Problem(path, 1, "unreadable_file", message, _remedy(error))


def _remedy(error: OSError) -> str:
    match error:
        case PermissionError():
            return "let the server's user read it"
        case FileNotFoundError():
            return "it is a link that leads to nothing: correct or remove it"
        case OSError(errno=None):
            return "put a file in its place, as autonomy tenants new writes one"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "the server tries again; let its processes open more files"
    return "the server tries again; look into the log of the machine: its disk or file system has a fault"


def _organisation(path: Path, checked: dict[str, Checked]) -> Organisation:
    settings = {name: _freeze(each.data) for name, each in checked.items() if name != SECTION}
    return Organisation(
        id=path.stem, settings=MappingProxyType(settings), source=path, **checked[SECTION].data
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
