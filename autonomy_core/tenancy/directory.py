"""Reads all files of a directory once, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.domain import LoadedFile, Organisation, Problem
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader
from autonomy_core.tenancy.reading import tenant_files, unreadable_directory
from autonomy_core.tenancy.settling import Rules, ServedVersions, Settler
from autonomy_core.tenancy.texts import ACCEPT_MAIL, MailChecks


@dataclass(frozen=True, slots=True)
class LoadedDirectory:
    """All files of a directory.

    Attributes:
        organisations: the organisations with valid files as they are served, by id.
        files: the results of reading the files, by id.
        settled: what a server serves.
        problems: all problems.
    """

    organisations: Mapping[str, Organisation]
    files: Mapping[str, LoadedFile]
    settled: ServedVersions
    problems: tuple[Problem, ...]

    @property
    def served_otherwise(self) -> tuple[str, ...]:
        """Ids of organisations that a server serves although their files are gone or have problems."""
        return tuple(sorted(self.settled.versions.keys() - self.organisations.keys()))


def load_directory(
    directory: Path,
    plugin_schemas: PluginSchemas,
    rules: Rules | None = None,
    replaced: Mapping[str, LoadedFile] | None = None,
    *,
    mail_checks: MailChecks = ACCEPT_MAIL,
) -> LoadedDirectory:
    """Read and check all tenant files of a directory.

    Args:
        directory: the directory.
        plugin_schemas: the schemas of the installed plugins.
        rules: the rules that decide what is in service.
        replaced: results that replace those of the files, by id.
        mail_checks: what mail adds to the schemas.
    """
    loader = TenantLoader(plugin_schemas, mail_checks)
    problem = None
    try:
        files = {path.stem: loader.load(path) for path in tenant_files(directory)}
    except OSError as error:
        files, problem = dict[str, LoadedFile](), unreadable_directory(directory, error)
    rules = rules or Rules()
    settler = Settler(directory, rules, loader.make)
    settled = settler.settle(files, None, problem)
    if replaced:
        # As a second step, so that an existing organisation keeps its hosts and the new one is refused.
        files |= replaced
        settled = settler.settle(files, settled, problem)
    organisations = {
        name: organisation.without_hosts(settled.refused.get(name, ()))
        for name, file in sorted(files.items())
        if (organisation := file.organisation) is not None
    }
    return LoadedDirectory(organisations, files, settled, (*settled.problems, *rules.problems()))
