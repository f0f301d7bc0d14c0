"""Decides who may use which host when several organisations claim one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autonomy_core.tenancy.domain import LoadedFile, Organisation, Problem


@dataclass(frozen=True, slots=True)
class Settled:
    """The organisations to serve, by id; who owns which host; and all problems, in the order of the files."""

    organisations: dict[str, Organisation]
    owners: dict[str, Organisation]
    problems: tuple[Problem, ...]


def settle_hosts(files: Mapping[str, LoadedFile], serving: Mapping[str, Organisation]) -> Settled:
    """Choose for every organisation the version to serve, so that no host has two owners.

    files: by id, as read now. serving: by id, the versions in service until now.
    A host in service stays with its owner while the owner claims it; a free one goes to the first by name.
    A file with problems, or one that claims another's host, leaves its version in service, if there is one.
    """
    chosen = _first_choice(files, serving)
    problems = [problem for file in files.values() for problem in file.problems]
    # Falling back may take a host back from someone who was given it, so until everybody is content.
    while True:
        owners = _owners(chosen, serving)
        losers = [each for each in chosen.values() if any(owners[host] is not each for host in each.hosts)]
        if not losers:
            break
        for loser in losers:
            problems += _duplicates(files[loser.id], loser, owners)
            _fall_back(chosen, serving, loser.id)
    return Settled(chosen, owners, tuple(sorted(problems, key=lambda problem: (problem.file, problem.line))))


def _first_choice(
    files: Mapping[str, LoadedFile], serving: Mapping[str, Organisation]
) -> dict[str, Organisation]:
    wanted = {name: files[name].organisation or serving.get(name) for name in sorted(files)}
    return {name: organisation for name, organisation in wanted.items() if organisation is not None}


def _owners(
    chosen: Mapping[str, Organisation], serving: Mapping[str, Organisation]
) -> dict[str, Organisation]:
    owners: dict[str, Organisation] = {}
    for organisation in chosen.values():
        for host in organisation.hosts:
            owners.setdefault(host, organisation)
    for name, served in serving.items():
        if name in chosen:
            owners.update({host: chosen[name] for host in served.hosts if host in chosen[name].hosts})
    return owners


def _duplicates(file: LoadedFile, loser: Organisation, owners: Mapping[str, Organisation]) -> list[Problem]:
    return [
        Problem(
            file.path,
            file.hosts_line,
            "duplicate_host",
            f"the host {host!r} is {owners[host].id}'s already, see {owners[host].source.name}",
            "take it out of one of the two files",
        )
        for host in loser.hosts
        if owners[host] is not loser
    ]


def _fall_back(chosen: dict[str, Organisation], serving: Mapping[str, Organisation], name: str) -> None:
    if name in serving:
        chosen[name] = serving[name]
    else:
        del chosen[name]
