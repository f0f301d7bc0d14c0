"""Decides what is in service: the version of each organisation, and the organisation of each host.

The server and the command line apply the same rules to the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from autonomy_core.tenancy.claims import ServerHosts, divide_hosts
from autonomy_core.tenancy.domain import Organisation, Problem, Version
from autonomy_core.tenancy.files import signature
from autonomy_core.tenancy.hosts import host_keys, name_of
from autonomy_core.tenancy.losses import DEFAULT_PERCENT, losses_problem, needs_confirmation
from autonomy_core.tenancy.reading import SUFFIX
from autonomy_core.tenancy.record import Kept, TenantRecord


class ReadFile(Protocol):
    """The result of reading a file."""

    @property
    def version(self) -> Version | None:
        """The version, if the file is valid."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the file."""

    @property
    def is_unfinished(self) -> bool:
        """Whether an editor may still be writing the file."""


@dataclass(frozen=True, slots=True)
class ServedVersions:
    """What is in service. It is replaced as a whole, so that readers need no lock.

    Attributes:
        versions: the versions in service, by id, sorted by id.
        hosts: the organisation of each host. Its version may be one that cannot be served.
        refused: by organisation id, hosts that its file names but that it does not get.
        unserved: known organisations whose files have problems and for which there is no good version.
        missing: organisations in service whose files are gone.
        lost: organisations that this check removed from service, because their files are gone.
        problems: the problems of all files.
    """

    versions: Mapping[str, Version] = field(default_factory=dict)
    hosts: Mapping[str, Version] = field(default_factory=dict)
    refused: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unserved: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def by_host(self, host: str) -> Version | None:
        """Return the organisation of a host. An entry with the port wins over one without."""
        exact = self.hosts.get(host)
        owner = exact or next((self.hosts[key] for key in host_keys(host) if key in self.hosts), None)
        return owner and self.versions.get(owner.id, owner)

    def with_contents(self, read: Iterable[Version]) -> ServedVersions:
        """Return the same with the contents of versions in service that were not read before."""
        known = {each.id: each for each in read if self._lacks_content_of(each)}
        return replace(self, versions={**self.versions, **known}) if known else self

    def _lacks_content_of(self, read: Version) -> bool:
        served = self.versions.get(read.id)
        return served is not None and served.content is None and read.serves_as(served)

    def kept(self, version: Version) -> Kept:
        """Return a version in service in the form that the record stores."""
        refused = self.refused.get(version.id, frozenset())
        granted = tuple(host for host in version.hosts if host not in refused)
        names = {name_of(host) for host in refused}
        owners = ((owner.id, host) for host, owner in self.hosts.items() if name_of(host) in names)
        return Kept(version, granted, tuple(sorted(refused)), tuple(owners) if refused else ())


@dataclass(frozen=True, slots=True)
class Rules:
    """What the decision depends on, besides the files.

    Attributes:
        server: the server's own hosts.
        record: what earlier processes and other processes have recorded.
        losses_percent: see `autonomy_core.tenancy.losses`.
    """

    server: ServerHosts = field(default_factory=ServerHosts)
    record: TenantRecord | None = None
    losses_percent: int = DEFAULT_PERCENT

    def problems(self) -> tuple[Problem, ...]:
        """Return the problem that prevents use of the record, if there is one."""
        problem = self.record.problem() if self.record else None
        return (problem,) if problem else ()


@dataclass(frozen=True, slots=True)
class _Losses:
    missing: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


class Settler:
    """Decides what is in service, each time the directory was checked.

    Args:
        directory: the directory of the organisations' files.
        rules: what the decision depends on, besides the files.
        make: makes the organisation of a version; returns None if this code cannot make it.
    """

    def __init__(self, directory: Path, rules: Rules, make: Callable[[Version], Organisation | None]) -> None:
        self._directory = directory
        self._rules = rules
        self._make = make

    def settle(
        self,
        files: Mapping[str, ReadFile],
        before: ServedVersions | None,
        directory_problem: Problem | None = None,
        *,
        accept_losses: bool = False,
    ) -> ServedVersions:
        """Choose the version to serve for every organisation, and the organisation of every host.

        If a file has problems, the last good version stays in service: this process's, or the record's.

        Args:
            files: the results of reading the files, by id.
            before: what was in service until now; None for the first check.
            directory_problem: set if the directory cannot be read.
            accept_losses: remove all organisations whose files are gone from service.
        """
        earlier = before or ServedVersions()
        chosen, held = self._choose(files, earlier)
        # No sets of all names, here and below: they would briefly double the memory that the process needs.
        gone = frozenset(name for name in earlier.versions if name not in files)
        gone |= self._recorded_without_files(files)
        losses = self._losses(gone, earlier.missing, len(chosen), directory_problem, accept=accept_losses)
        chosen |= self._versions_of(losses.missing, earlier)
        order = self._rules.record.order if self._rules.record else _unordered
        served = {name: chosen[name] for name in sorted(chosen)}
        claimants = dict(sorted((served | held).items())) if held else served
        problems = (*(each for file in files.values() for each in file.problems), *self._undecryptable(held))
        division = divide_hosts(claimants, self._rules.server, order, earlier.hosts)
        return ServedVersions(
            versions=served,
            hosts=division.owners,
            refused=division.refused,
            unserved=frozenset(name for name in files if name not in chosen),
            missing=losses.missing,
            lost=losses.lost,
            problems=(*losses.problems, *_in_order((*problems, *division.problems))),
        )

    def _choose(
        self, files: Mapping[str, ReadFile], earlier: ServedVersions
    ) -> tuple[dict[str, Version], dict[str, Version]]:
        """The versions to serve; and recorded versions of broken files for which nothing can be served."""
        chosen = {
            name: version
            for name, file in files.items()
            if (version := file.version) is not None and not file.is_unfinished
        }
        broken = {name for name in files if name not in chosen}
        chosen |= {name: version for name in broken if (version := _last_good(earlier, name)) is not None}
        recalled = self._recall(broken - chosen.keys())
        chosen |= {name: version for name, version in recalled.items() if version.content is not None}
        # For the remaining unfinished files, there is no better version.
        rest = broken - chosen.keys() - recalled.keys()
        chosen |= {name: version for name in rest if (version := files[name].version) is not None}
        return chosen, {name: version for name, version in recalled.items() if version.content is None}

    def _recorded_without_files(self, files: Mapping[str, ReadFile]) -> frozenset[str]:
        """Recorded organisations whose files are gone. Files may be newer than ``files``, so look again."""
        if self._rules.record is None:
            return frozenset()
        recorded = self._rules.record.ids_except(files)
        return frozenset(name for name in recorded if signature(self._directory / f"{name}{SUFFIX}") is None)

    def _recall(self, names: Collection[str]) -> dict[str, Version]:
        """The recorded versions. They have content if this code can make the organisation from it."""
        record = self._rules.record
        if record is None or not names:
            return {}
        recorded = record.versions(names, self._directory)
        recalled = {
            name: replace(version, content=record.content(name)) for name, version in recorded.items()
        }
        return {
            name: version
            if version.content is not None and self._make(version) is not None
            else recorded[name]
            for name, version in recalled.items()
        }

    def _undecryptable(self, held: Mapping[str, Version]) -> Iterator[Problem]:
        """Problems of recorded versions whose content cannot be decrypted with the known secrets."""
        for name, version in held.items():
            if self._rules.record and self._rules.record.content(name) is None:
                yield Problem(
                    version.source,
                    1,
                    "last_good_unreadable",
                    "the last good version cannot be decrypted: another secret encrypted it, "
                    "or it was changed",
                    "mend the file, or name the earlier secret in autonomy.previous_secret and restart",
                )

    def _versions_of(self, missing: AbstractSet[str], earlier: ServedVersions) -> dict[str, Version]:
        known = {name: earlier.versions[name] for name in missing if name in earlier.versions}
        rest = missing - known.keys()
        if rest and self._rules.record:
            known |= self._rules.record.versions(rest, self._directory)
        return known

    def _losses(
        self,
        gone: AbstractSet[str],
        missing: AbstractSet[str],
        remaining: int,
        directory_problem: Problem | None,
        *,
        accept: bool,
    ) -> _Losses:
        if directory_problem is not None:
            # If the directory cannot be read, it is unknown whether files are lost.
            return _Losses(missing=frozenset(gone), problems=(directory_problem,))
        if not gone or accept:
            return _Losses(lost=frozenset(gone))
        record = self._rules.record
        known = record.losses() if record else {}
        rest = frozenset(gone - known.keys())
        recent = {name for name, is_accepted in known.items() if not is_accepted}
        if not needs_confirmation(len(rest | recent), remaining, self._rules.losses_percent):
            # A refused loss stays refused, even if organisations were added since or the window has passed.
            rest &= missing | (record.refused_losses() if record else frozenset())
        if not rest:
            return _Losses(lost=frozenset(gone))
        problem = losses_problem(self._directory, rest, len(rest) + remaining)
        return _Losses(rest, frozenset(gone - rest), (problem,))


def _last_good(earlier: ServedVersions, name: str) -> Version | None:
    # A version that comes from the index has no content to serve; the record may have it.
    version = earlier.versions.get(name)
    return version if version is not None and version.content is not None else None


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.file, problem.line))


def _unordered(_: Collection[str]) -> dict[tuple[str, str], int]:
    return {}
