"""Decides who may use which host when several organisations claim one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from autonomy_core.tenancy.domain import Problem, Version


class ReadFile(Protocol):
    """What reading a file gave."""

    @property
    def version(self) -> Version | None:
        """The version, if the file is in order."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The versions to serve, by id; who owns which host; and all problems, in the order of the files."""

    versions: dict[str, Version]
    owners: dict[str, Version]
    problems: tuple[Problem, ...]


def settle_hosts(files: Mapping[str, ReadFile], serving: Mapping[str, Version]) -> Settled:
    """Choose for every organisation the version to serve, so that no host has two owners.

    files: by id, as read now. serving: by id, the versions in service until now.
    A host in service stays with its owner while the owner claims it; a free one goes to the first by name.
    A file with problems, or one that claims another's host, leaves its version in service, if there is one and
    it has been read.
    """
    chosen = _first_choice(files, serving)
    problems = [problem for file in files.values() for problem in file.problems]
    # Falling back may take a host back from someone who was given it, so until everybody is content.
    while True:
        owners = _owners(chosen, serving)
        losers = _losers(chosen, owners)
        if not losers:
            break
        for loser in losers:
            problems += _duplicates(loser, owners)
            _fall_back(chosen, serving, loser.id)
    return Settled(chosen, owners, tuple(sorted(problems, key=lambda problem: (problem.file, problem.line))))


def _first_choice(files: Mapping[str, ReadFile], serving: Mapping[str, Version]) -> dict[str, Version]:
    wanted = {name: files[name].version or _last_good(serving, name) for name in sorted(files)}
    return {name: version for name, version in wanted.items() if version is not None}


def _owners(chosen: Mapping[str, Version], serving: Mapping[str, Version]) -> dict[str, Version]:
    owners: dict[str, Version] = {}
    for version in chosen.values():
        for host in version.hosts:
            owners.setdefault(host, version)
    for name, served in serving.items():
        if name in chosen:
            owners.update({host: chosen[name] for host in served.hosts if host in chosen[name].hosts})
    return owners


def _losers(chosen: Mapping[str, Version], owners: Mapping[str, Version]) -> list[Version]:
    if len(owners) == sum(len(version.hosts) for version in chosen.values()):
        return []  # as nearly always: no host is claimed twice
    return [each for each in chosen.values() if any(owners[host] is not each for host in each.hosts)]


def _duplicates(loser: Version, owners: Mapping[str, Version]) -> list[Problem]:
    return [
        Problem(
            loser.source,
            loser.hosts_line,
            "duplicate_host",
            f"the host {host!r} is {owners[host].id}'s already, see {owners[host].source.name}",
            "take it out of one of the two files",
        )
        for host in loser.hosts
        if owners[host] is not loser
    ]


def _fall_back(chosen: dict[str, Version], serving: Mapping[str, Version], name: str) -> None:
    last_good = _last_good(serving, name)
    if last_good is not None:
        chosen[name] = last_good
    else:
        del chosen[name]


def _last_good(serving: Mapping[str, Version], name: str) -> Version | None:
    # Of what was known from the index alone, nobody can say any more what it was.
    version = serving.get(name)
    return version if version is not None and version.content is not None else None
