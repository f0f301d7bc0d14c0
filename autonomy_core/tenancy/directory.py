"""Reads all files of a directory once, as the command line does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.domain import LoadedFile, Organisation, Problem
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader, tenant_files, unreadable_directory
from autonomy_core.tenancy.settling import Rules, Settled, Settler


@dataclass(frozen=True, slots=True)
class LoadedDirectory:
    """All files of a directory.

    Attributes:
        organisations: by id, those whose files are in order, as they are served.
        files: by id, what reading each gave.
        settled: what a server serves.
        problems: what is wrong with the files.
    """

    organisations: Mapping[str, Organisation]
    files: Mapping[str, LoadedFile]
    settled: Settled
    problems: tuple[Problem, ...]

    @property
    def served_otherwise(self) -> tuple[str, ...]:
        """The organisations that a server serves though their files are gone or not in order."""
        return tuple(sorted(self.settled.versions.keys() - self.organisations.keys()))


def load_directory(
    directory: Path,
    plugin_schemas: PluginSchemas,
    rules: Rules | None = None,
    replaced: Mapping[str, LoadedFile] | None = None,
) -> LoadedDirectory:
    """Read and check every tenant file in `directory`.

    Args:
        replaced: by id, what is to be taken in the place of a file.
    """
    loader = TenantLoader(plugin_schemas)
    problem = None
    try:
        files = {path.stem: loader.load(path) for path in tenant_files(directory)}
    except OSError as error:
        files, problem = dict[str, LoadedFile](), unreadable_directory(directory, error)
    rules = rules or Rules()
    settler = Settler(directory, rules, loader.make)
    settled = settler.settle(files, None, problem)
    if replaced:
        # After what is there: the newcomer is refused a host, and not the organisation that has it.
        files |= replaced
        settled = settler.settle(files, settled, problem)
    organisations = {
        name: organisation.without_hosts(settled.refused.get(name, ()))
        for name, file in sorted(files.items())
        if (organisation := file.organisation) is not None
    }
    return LoadedDirectory(organisations, files, settled, (*settled.problems, *rules.problems()))
