"""The output of ``autonomy tenants check`` and ``apply``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from autonomy_core.cli.output import print_line
from autonomy_core.kernel.checks import Finding
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.operations.offline import exposed_secrets, settings_findings
from autonomy_core.tenancy.applying import Draft
from autonomy_core.tenancy.directory import LoadedDirectory, load_directory
from autonomy_core.tenancy.domain import Organisation, Problem
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.reading import SUFFIX
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.texts import MailChecks

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime


class Context(Protocol):
    """The part of `click.Context.obj` that these commands use."""

    @property
    def tenants_directory(self) -> Path:
        """The directory of the ini files."""

    @property
    def plugin_schemas(self) -> PluginSchemas:
        """The settings schema of every installed plugin."""

    @property
    def mail_checks(self) -> MailChecks:
        """What the organisations' files may say of mail."""

    @property
    def tenant_rules(self) -> Rules:
        """The rules by which the server decides which organisations are in service."""

    @property
    def _runtime(self) -> Runtime:
        """The runtime of a server process."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check.

    Attributes:
        organisations: those with valid files.
        problems: the problems of the files.
        findings: each with the id of its organisation.
        served: the ids of the organisations that a server serves from their last valid version.
    """

    organisations: tuple[Organisation, ...]
    problems: tuple[Problem, ...]
    findings: tuple[tuple[str, Finding], ...]
    served: tuple[str, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether there is a problem, or a finding with the severity ``error``."""
        return bool(self.problems) or any(finding.severity == "error" for _, finding in self.findings)

    def print_findings(self) -> None:
        """Print every problem and every finding."""
        for problem in self.problems:
            print_line(str(problem))
        for organisation_id, finding in self.findings:
            print_line(f"{organisation_id}: {finding}")

    def print(self) -> None:
        """Print everything, with totals."""
        self.print_findings()
        for organisation_id in self.served:
            click.echo(f"{organisation_id}: the server goes on with the last good version")
        in_order = count(len(self.organisations), "organisation")
        click.echo(f"{in_order} in order, {count(len(self.problems), 'problem')}")

    def rows(self) -> list[dict[str, Any]]:
        """Return the findings as JSON data."""
        return [
            {"organisation": organisation_id, "check": "offline", **asdict(finding)}
            for organisation_id, finding in self.findings
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the whole report as JSON data."""
        return {
            "organisations": len(self.organisations),
            "problems": [asdict(problem) for problem in self.problems],
            "findings": self.rows(),
            "last_good_served": list(self.served),
        }


def load_all(context: Context) -> LoadedDirectory:
    """Read and check the files of all organisations."""
    return load_directory(
        context.tenants_directory,
        context.plugin_schemas,
        context.tenant_rules,
        mail_checks=context.mail_checks,
    )


def report_on_directory(context: Context, ids: Collection[str]) -> Report:
    """Check all files, or those of some organisations."""
    loaded = load_all(context)
    organisations = [each for name, each in loaded.organisations.items() if not ids or name in ids]
    findings: list[tuple[str, Finding]] = []
    for organisation in organisations:
        file = loaded.files[organisation.id]
        exposed = exposed_secrets(organisation.source, file, context.plugin_schemas)
        findings += ((organisation.id, finding) for finding in exposed)
        findings += _settings_findings(context, organisation)
    return Report(
        tuple(organisations),
        tuple(each for each in loaded.problems if not ids or each.organisation_id in ids),
        tuple(findings),
        tuple(name for name in loaded.served_otherwise if not ids or name in ids),
    )


def report_on_draft(context: Context, draft: Draft) -> Report:
    """Check a draft as if it were the organisation's file."""
    organisation = draft.loaded.organisation
    if organisation is None:
        return Report((), draft.problems, ())
    exposed = exposed_secrets(draft.path, draft.loaded, context.plugin_schemas)
    findings = [(organisation.id, finding) for finding in exposed]
    return Report((organisation,), draft.problems, (*findings, *_settings_findings(context, organisation)))


def is_path(name: str) -> bool:
    """Return whether an argument names a file rather than an organisation."""
    return "/" in name or name.endswith(SUFFIX)


def count(number: int, what: str) -> str:
    """Return a number with the counted noun, in the singular or plural."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _settings_findings(context: Context, organisation: Organisation) -> list[tuple[str, Finding]]:
    return [(organisation.id, finding) for finding in settings_findings(runtime_of(context), organisation)]
