"""Decides which organisation gets a host that several claim, or that belongs to the server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.domain import Problem, Version
from autonomy_core.tenancy.hosts import is_address, name_of

Claim = tuple[str, str]
"""The id of an organisation, and a host in its file."""

Order = Callable[[Collection[str]], Mapping[Claim, int]]
"""Returns the order in which the claims to some host names were first recorded."""

NEVER = 2**63


@dataclass(frozen=True, slots=True)
class ServerHosts:
    """The hosts in the server's own ini file.

    Attributes:
        hosts: hosts that serve all organisations by path. No organisation may claim them.
        default_organisation: the only organisation that may have an IP address as host.
    """

    hosts: tuple[str, ...] = ()
    default_organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Division:
    """The organisation of each host.

    Attributes:
        owners: the version of the organisation, by host.
        refused: by organisation id, the claimed hosts that it does not get.
        problems: one problem for each refused claim.
    """

    owners: dict[str, Version]
    refused: dict[str, frozenset[str]]
    problems: list[Problem]


def divide_hosts(
    versions: Mapping[str, Version], server: ServerHosts, order: Order, before: Mapping[str, Version]
) -> Division:
    """Give every host to one organisation. An organisation that loses a dispute keeps its other hosts.

    A host without a port covers all ports, so it collides with every other claim to that name. The claim that
    was recorded first wins. Among unrecorded claims, the organisation in service wins, then the smallest id.

    Args:
        versions: by id, sorted by id.
        server: the server's own hosts.
        order: called only for names that several organisations claim.
        before: the organisation that this process has served on each host until now.
    """
    own: dict[str, list[str]] = {}
    for host in server.hosts:
        own.setdefault(name_of(host), []).append(host)
    owners: dict[str, Version] = {}
    refusals: dict[Claim, Problem] = {}
    contested: set[str] = set()
    with_port: list[tuple[str, Version]] = []
    for version in versions.values():
        for host in version.hosts:
            name = name_of(host)
            problem = _objection(version, host, name, own, server.default_organisation)
            if problem is not None:
                refusals[version.id, host] = problem
            elif owners.setdefault(host, version) is not version:
                contested.add(name)
            elif name is not host:
                with_port.append((name, version))
    contested |= {name for name, version in with_port if owners.get(name, version) is not version}
    if contested:
        refusals |= _settle(contested, versions, refusals, order(contested), before)
        owners = {
            host: version
            for version in versions.values()
            for host in version.hosts
            if (version.id, host) not in refusals
        }
    return Division(owners, _by_organisation(refusals), list(refusals.values()))


def _objection(
    version: Version, host: str, name: str, own: Mapping[str, Sequence[str]], default: str | None
) -> Problem | None:
    if name in own and any(_collide(host, each) for each in own[name]):
        message = f"the host {host!r} is the server's own, see autonomy.hosts in its ini file"
        return _problem(version, message, "take it out: every organisation is reached there by its path")
    if version.id != default and is_address(name):
        message = f"{host!r} is an IP address, and an IP address is no organisation's host"
        return _problem(
            version, message, "name a host; only autonomy.default_organisation may have an address"
        )
    return None


def _settle(
    contested: Collection[str],
    versions: Mapping[str, Version],
    refused: Collection[Claim],
    order: Mapping[Claim, int],
    before: Mapping[str, Version],
) -> dict[Claim, Problem]:
    def rank(claim: Claim) -> tuple[int, bool, str]:
        organisation_id, host = claim
        is_served = host in before and before[host].id == organisation_id
        return order.get(claim, NEVER), not is_served, organisation_id

    granted: dict[str, list[Claim]] = {name: [] for name in contested}
    refusals: dict[Claim, Problem] = {}
    for claim in sorted(_claims(versions, contested, refused), key=rank):
        organisation_id, host = claim
        others = granted[name_of(host)]
        owner = next((one for one in others if one[0] != organisation_id and _collide(host, one[1])), None)
        if owner is None:
            others.append(claim)
        else:
            refusals[claim] = _duplicate(versions[organisation_id], host, owner, versions[owner[0]].source)
    return refusals


def _claims(
    versions: Mapping[str, Version], names: Collection[str], without: Collection[Claim]
) -> Iterator[Claim]:
    for version in versions.values():
        for host in version.hosts:
            if name_of(host) in names and (version.id, host) not in without:
                yield version.id, host


def _collide(one: str, other: str) -> bool:
    """Whether two hosts of the same name share a port."""
    return one == other or name_of(one) == one or name_of(other) == other


def _duplicate(loser: Version, host: str, owner: Claim, source: Path) -> Problem:
    as_named = "" if owner[1] == host else f" by its {owner[1]!r}"
    message = f"the host {host!r} is {owner[0]}'s already{as_named}, see {source.name}"
    return _problem(loser, message, "take it out of one of the two files")


def _problem(version: Version, message: str, remedy: str) -> Problem:
    served = f"; until then {version.id} is served without it"
    return Problem(version.source, version.hosts_line, "duplicate_host", message, remedy + served)


def _by_organisation(refusals: Iterable[Claim]) -> dict[str, frozenset[str]]:
    refused: dict[str, set[str]] = {}
    for organisation_id, host in refusals:
        refused.setdefault(organisation_id, set()).add(host)
    return {organisation_id: frozenset(hosts) for organisation_id, hosts in refused.items()}
