"""Runs the plugins' checks of organisations, and stores the findings for `operations.health`.

A probe of ``/health/ready`` must not call other servers, so it shows the latest findings and their time. They
are stored in a file in the data directory, which all processes share. A table would be separated by
organisation, but the health check needs the findings of all organisations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from autonomy_core.kernel.checks import Finding, OrganisationCheck, as_far_as_found
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.files import Signature, signature, write_whole

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime

CONCURRENT_ORGANISATIONS = 8
"""How many organisations are checked at the same time.

Plugins respect the rate limits of the servers they call.
"""

FILE = "online-checks.json"


@dataclass(frozen=True, slots=True)
class Examined:
    """The findings about an organisation.

    Attributes:
        organisation_id: the organisation.
        checked_at: RFC 3339, in UTC.
        findings: each with the name of its check.
    """

    organisation_id: str
    checked_at: str
    findings: tuple[tuple[str, Finding], ...]

    @property
    def has_errors(self) -> bool:
        """Whether a finding has the severity ``error``."""
        return any(finding.severity == "error" for _, finding in self.findings)


def examine(runtime: Runtime, organisations: Sequence[Organisation]) -> Iterator[Examined]:
    """Run the checks of several organisations in parallel; yield each organisation's findings when complete.

    Raises:
        SQLAlchemyError: the database is unavailable.
    """
    with ThreadPoolExecutor(CONCURRENT_ORGANISATIONS) as pool:
        underway = [pool.submit(_examine_one, runtime, organisation) for organisation in organisations]
        try:
            for done in as_completed(underway):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _examine_one(runtime: Runtime, organisation: Organisation) -> Examined:
    with structlog.contextvars.bound_contextvars(organisation=organisation.id):
        found = [
            (check.name, finding)
            for check in runtime.checks_for(organisation)
            for finding in _run(runtime, organisation, check)
        ]
    return Examined(organisation.id, datetime.now(UTC).isoformat(timespec="seconds"), tuple(found))


def _run(runtime: Runtime, organisation: Organisation, check: OrganisationCheck) -> list[Finding]:
    return list(as_far_as_found(check.name, _findings(runtime, organisation, check)))


def _findings(runtime: Runtime, organisation: Organisation, check: OrganisationCheck) -> Iterator[Finding]:
    with runtime.transaction(organisation) as scope:
        yield from check.function(scope)


def remember(data: Path, examined: Sequence[Examined]) -> None:
    """Store findings. The stored findings of other organisations stay.

    Args:
        data: the data directory.
        examined: the findings.

    Raises:
        OSError: the file cannot be written.
    """
    known = {each.organisation_id: each for each in (*recall(data), *examined)}
    document = [
        {
            "organisation": each.organisation_id,
            "checked_at": each.checked_at,
            "findings": [{"check": check, **asdict(finding)} for check, finding in each.findings],
        }
        for each in known.values()
    ]
    data.mkdir(parents=True, exist_ok=True)
    write_whole(data / FILE, json.dumps(document, ensure_ascii=False, indent=1).encode())


def recall(data: Path) -> tuple[Examined, ...]:
    """Return the latest findings by organisation.

    There are none before the first check, or if the file is unreadable.
    """
    return _read(data / FILE, signature(data / FILE))


@lru_cache(maxsize=4)
def _read(path: Path, _: Signature | None) -> tuple[Examined, ...]:
    """Cached by the file's signature, because probes are frequent and changes are rare."""
    try:
        return tuple(_examined(entry) for entry in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _examined(entry: dict[str, Any]) -> Examined:
    found = tuple((each.pop("check"), Finding(**each)) for each in entry["findings"])
    return Examined(entry["organisation"], entry["checked_at"], found)
