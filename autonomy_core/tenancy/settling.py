"""Decides what is in service: which version of each organisation, and which organisation has which host.

The server and the command line decide by the same rules and by the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from autonomy_core.tenancy.claims import ServerHosts, divide_hosts
from autonomy_core.tenancy.domain import Organisation, Problem, Version
from autonomy_core.tenancy.files import signature
from autonomy_core.tenancy.hosts import host_keys, name_of
from autonomy_core.tenancy.loader import SUFFIX
from autonomy_core.tenancy.losses import DEFAULT_PERCENT, losses_problem, needs_confirmation
from autonomy_core.tenancy.record import Kept, TenantRecord


class ReadFile(Protocol):
    """What reading a file gave."""

    @property
    def version(self) -> Version | None:
        """The version, if the file is in order."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it."""

    @property
    def is_unfinished(self) -> bool:
        """Whether an editor may still be writing it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is in service. Replaced as a whole, so that readers need no lock.

    Attributes:
        versions: in service, by id, in the order of the ids.
        hosts: by host, the organisation that has it; it may be one that is known and cannot be served.
        refused: by the id of an organisation, the hosts that its file names and that it does not get.
        unserved: known organisations whose files have problems, and of which no good version is left.
        missing: those in service although their files are gone.
        lost: those that have left the service with this look, because their files are gone.
    """

    versions: Mapping[str, Version] = field(default_factory=dict)
    hosts: Mapping[str, Version] = field(default_factory=dict)
    refused: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unserved: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def by_host(self, host: str) -> Version | None:
        """Return who has a host: that of the name with its port, or else of the name."""
        exact = self.hosts.get(host)
        return exact or next((self.hosts[key] for key in host_keys(host) if key in self.hosts), None)

    def kept(self, version: Version) -> Kept:
        """Return a version in service as it is to be recorded."""
        refused = self.refused.get(version.id, frozenset())
        granted = tuple(host for host in version.hosts if host not in refused)
        names = {name_of(host) for host in refused}
        owners = ((owner.id, host) for host, owner in self.hosts.items() if name_of(host) in names)
        return Kept(version, granted, tuple(sorted(refused)), tuple(owners) if refused else ())


@dataclass(frozen=True, slots=True)
class Rules:
    """By what it is decided.

    Attributes:
        record: what is remembered from earlier processes, and from the others.
        losses_percent: see `autonomy_core.tenancy.losses`.
    """

    server: ServerHosts = field(default_factory=ServerHosts)
    record: TenantRecord | None = None
    losses_percent: int = DEFAULT_PERCENT

    def problems(self) -> tuple[Problem, ...]:
        """Return what keeps the record from being used."""
        problem = self.record.problem() if self.record else None
        return (problem,) if problem else ()


@dataclass(frozen=True, slots=True)
class _Losses:
    missing: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


class Settler:
    """Settles what is in service, look by look.

    Args:
        directory: of the organisations' files.
        make: makes the organisation of a version with content, or returns None where that is not possible.
    """

    def __init__(self, directory: Path, rules: Rules, make: Callable[[Version], Organisation | None]) -> None:
        self._directory = directory
        self._rules = rules
        self._make = make

    def settle(
        self,
        files: Mapping[str, ReadFile],
        before: Settled | None,
        directory_problem: Problem | None = None,
        *,
        accept_losses: bool = False,
    ) -> Settled:
        """Choose for every organisation the version to serve, and give every host to one of them.

        A file with problems leaves the last good version in service: this process's, or else the record's.

        Args:
            files: by id, as read now.
            before: what was in service until now; None at the first look.
            accept_losses: let every organisation go whose file is gone.
        """
        earlier = before or Settled()
        chosen, held = self._choose(files, earlier)
        # Without sets of all names, here and below: for a moment they would take as much memory as what is kept.
        gone = frozenset(name for name in earlier.versions if name not in files)
        gone |= self._recorded_but(files)
        losses = self._losses(gone, earlier.missing, len(chosen), directory_problem, accept=accept_losses)
        chosen |= self._versions_of(losses.missing, earlier)
        order = self._rules.record.order if self._rules.record else _unordered
        served = {name: chosen[name] for name in sorted(chosen)}
        everyone = dict(sorted((served | held).items())) if held else served
        problems = (*(each for file in files.values() for each in file.problems), *self._undecipherable(held))
        division = divide_hosts(everyone, self._rules.server, order, earlier.hosts)
        return Settled(
            versions=served,
            hosts=division.owners,
            refused=division.refused,
            unserved=frozenset(name for name in files if name not in chosen),
            missing=losses.missing,
            lost=losses.lost,
            problems=(*losses.problems, *_in_order((*problems, *division.problems))),
        )

    def _choose(
        self, files: Mapping[str, ReadFile], earlier: Settled
    ) -> tuple[dict[str, Version], dict[str, Version]]:
        """The versions to serve; and the recorded ones of files with problems of which nothing can be served."""
        chosen = {
            name: version
            for name, file in files.items()
            if (version := file.version) is not None and not file.is_unfinished
        }
        broken = {name for name in files if name not in chosen}
        chosen |= {name: version for name in broken if (version := _last_good(earlier, name)) is not None}
        recalled = self._recall(broken - chosen.keys())
        chosen |= {name: version for name, version in recalled.items() if version.content is not None}
        # Of the other unfinished files nothing better is known.
        rest = broken - chosen.keys() - recalled.keys()
        chosen |= {name: version for name in rest if (version := files[name].version) is not None}
        return chosen, {name: version for name, version in recalled.items() if version.content is None}

    def _recorded_but(self, files: Mapping[str, ReadFile]) -> frozenset[str]:
        """Those on record whose files are gone. A file that another process was faster to see is there."""
        if self._rules.record is None:
            return frozenset()
        recorded = self._rules.record.ids_but(files)
        return frozenset(name for name in recorded if signature(self._directory / f"{name}{SUFFIX}") is None)

    def _recall(self, names: Collection[str]) -> dict[str, Version]:
        """The recorded versions; those that the present code can make have their content."""
        record = self._rules.record
        if record is None or not names:
            return {}
        recalled = record.versions(names, self._directory)
        for version in recalled.values():
            version.content = record.content(version.id)
            if version.content is not None and self._make(version) is None:
                version.content = None
        return recalled

    def _undecipherable(self, held: Mapping[str, Version]) -> Iterator[Problem]:
        """Tell of which versions the record has the content, but not the secret that encrypted it."""
        for name, version in held.items():
            if self._rules.record and self._rules.record.content(name) is None:
                yield Problem(
                    version.source,
                    1,
                    "last_good_unreadable",
                    "the last good version cannot be decrypted: another secret encrypted it, or it was changed",
                    "mend the file, or name the earlier secret in autonomy.previous_secret and restart",
                )

    def _versions_of(self, missing: AbstractSet[str], earlier: Settled) -> dict[str, Version]:
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
            # Of a directory that cannot be read nobody can say what is lost.
            return _Losses(missing=frozenset(gone), problems=(directory_problem,))
        if not gone or accept:
            return _Losses(lost=frozenset(gone))
        record = self._rules.record
        known = record.losses() if record else {}
        rest = frozenset(gone - known.keys())
        recent = {name for name, is_accepted in known.items() if not is_accepted}
        if not needs_confirmation(len(rest | recent), remaining, self._rules.losses_percent):
            # What was refused once stays so, however many organisations were added since, however long ago it was.
            rest &= missing | (record.refused_losses() if record else frozenset())
        if not rest:
            return _Losses(lost=frozenset(gone))
        problem = losses_problem(self._directory, rest, len(rest) + remaining)
        return _Losses(rest, frozenset(gone - rest), (problem,))


def _last_good(earlier: Settled, name: str) -> Version | None:
    # What was known from the index alone has no content to serve; the record may have it.
    version = earlier.versions.get(name)
    return version if version is not None and version.content is not None else None


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.file, problem.line))


def _unordered(_: Collection[str]) -> dict[tuple[str, str], int]:
    return {}
