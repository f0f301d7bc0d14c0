"""What ``autonomy tenants check`` and ``apply`` tell about files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from autonomy_core.kernel.checks import Finding
from autonomy_core.operations.offline import exposed_secrets, settings_findings
from autonomy_core.tenancy.applying import Draft
from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.domain import Organisation, Problem
from autonomy_core.tenancy.loader import SUFFIX, PluginSchemas
from autonomy_core.tenancy.settling import Rules

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime


class Context(Protocol):
    """What these commands need of `click.Context.obj`."""

    @property
    def tenants_directory(self) -> Path:
        """Where the ini files are."""

    @property
    def plugin_schemas(self) -> PluginSchemas:
        """The settings schema of every installed plugin."""

    @property
    def tenant_rules(self) -> Rules:
        """By what the server decides what is in service."""

    @property
    def runtime(self) -> Runtime:
        """The collaborators of a server."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        organisations: those whose files are in order.
        findings: with the id of each one's organisation.
        served: the ids of those whose last good version a server serves.
    """

    organisations: tuple[Organisation, ...]
    problems: tuple[Problem, ...]
    findings: tuple[tuple[str, Finding], ...]
    served: tuple[str, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether there is anything that does not work."""
        return bool(self.problems) or any(finding.severity == "error" for _, finding in self.findings)

    def print_findings(self) -> None:
        """Print every problem and every finding."""
        for problem in self.problems:
            click.echo(str(problem))
        for organisation_id, finding in self.findings:
            click.echo(f"{organisation_id}: {finding}")

    def print(self) -> None:
        """Print everything, and how much there is."""
        self.print_findings()
        for organisation_id in self.served:
            click.echo(f"{organisation_id}: the server goes on with the last good version")
        in_order = count(len(self.organisations), "organisation")
        click.echo(f"{in_order} in order, {count(len(self.problems), 'problem')}")

    def rows(self) -> list[dict[str, Any]]:
        """The findings, for machines."""
        return [
            {"organisation": organisation_id, "check": "offline", **asdict(finding)}
            for organisation_id, finding in self.findings
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "organisations": len(self.organisations),
            "problems": [asdict(problem) for problem in self.problems],
            "findings": self.rows(),
            "last_good_served": list(self.served),
        }


def report_on_directory(context: Context, ids: Collection[str]) -> Report:
    """Look at all files, or at those of some organisations."""
    loaded = load_directory(context.tenants_directory, context.plugin_schemas, context.tenant_rules)
    organisations = [each for name, each in loaded.organisations.items() if not ids or name in ids]
    findings: list[tuple[str, Finding]] = []
    for organisation in organisations:
        file = loaded.files[organisation.id]
        exposed = exposed_secrets(organisation.source, file, context.plugin_schemas)
        findings += ((organisation.id, finding) for finding in exposed)
        findings += _settings_findings(context, organisation)
    return Report(
        tuple(organisations),
        tuple(each for each in loaded.problems if not ids or each.file.stem in ids),
        tuple(findings),
        tuple(name for name in loaded.served_otherwise if not ids or name in ids),
    )


def report_on_draft(context: Context, draft: Draft) -> Report:
    """Look at a draft as if it were the organisation's file."""
    organisation = draft.loaded.organisation
    if organisation is None:
        return Report((), draft.problems, ())
    return Report((organisation,), draft.problems, tuple(_settings_findings(context, organisation)))


def is_path(name: str) -> bool:
    """Tell whether an argument names a file, and no organisation."""
    return "/" in name or name.endswith(SUFFIX)


def count(number: int, what: str) -> str:
    """A number and what it counts, in the singular or plural."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _settings_findings(context: Context, organisation: Organisation) -> list[tuple[str, Finding]]:
    return [(organisation.id, finding) for finding in settings_findings(context.runtime, organisation)]
