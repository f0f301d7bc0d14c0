"""``autonomy tenants``: checks the organisations' files, and creates new ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

from autonomy_core.cli.context import FilePath, json_option
from autonomy_core.cli.output import print_json, print_line, print_rows
from autonomy_core.cli.tenants_online import rows_of, run_online_checks
from autonomy_core.cli.tenants_report import (
    Context,
    count,
    is_path,
    load_all,
    report_on_directory,
    report_on_draft,
)
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.tenancy.applying import differences, read_draft, write_draft
from autonomy_core.tenancy.domain import ID_RULE, Organisation, Problem, Version, id_problem
from autonomy_core.tenancy.editing import TenantEditor
from autonomy_core.tenancy.fields import SEPARATED, ProblemMessage
from autonomy_core.tenancy.loader import load_file
from autonomy_core.tenancy.reading import tenant_files
from autonomy_core.tenancy.schemas import OrganisationSchema
from autonomy_core.tenancy.secrets import MASK, Secret
from autonomy_core.tenancy.template import new_tenant_ini


def _valid_id(_: click.Context, __: click.Parameter, organisation_id: str | None) -> str | None:
    problem = organisation_id is not None and id_problem(Path(f"{organisation_id}.ini"), organisation_id)
    if problem:
        raise click.BadParameter(f"{problem.code}: {problem.message}; give another: {ID_RULE}")
    return organisation_id


@click.group()
def tenants() -> None:
    """Show and check the organisations' files, create new ones."""


@tenants.command("list")
@json_option
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """List the organisations, including those whose files are missing."""
    loaded = load_all(context)
    rows = [_row(path, loaded.organisations, loaded.problems) for path in _files(context)]
    rows += [_missing_row(loaded.settled.versions[name]) for name in sorted(loaded.settled.missing)]
    print_rows(rows, as_json=as_json, nothing="no organisations")


@tenants.command()
@click.argument("names", metavar="[ID|FILE]...", nargs=-1)
@click.option(
    "--id", "organisation_id", callback=_valid_id, help="The organisation of FILE; by default its name."
)
@click.option("--online", is_flag=True, help="Also check with the servers that the organisations depend on.")
@json_option
@click.pass_obj
def check(
    context: Context, names: tuple[str, ...], *, organisation_id: str | None, online: bool, as_json: bool
) -> None:
    """Report every problem in every file, with its line. Exit status 1 if there is a problem.

    With IDs, only the files of these organisations are checked. FILE, which may be anywhere, is a draft that
    is checked as if it were the organisation's file. The exit status is also 1 if a check finds an error.
    """
    if any(is_path(name) for name in names):
        if len(names) > 1 or online:
            raise click.UsageError("a FILE is checked alone, and not online")
        if Path(names[0]).is_dir():
            raise click.ClickException(_not_a_file(names[0]))
        draft = read_draft(
            Path(names[0]),
            organisation_id,
            context.tenants_directory,
            context.plugin_schemas,
            context.tenant_rules,
            mail_checks=context.mail_checks,
        )
        report = report_on_draft(context, draft)
    elif organisation_id:
        raise click.UsageError("--id belongs to a FILE: a path with a / or that ends in .ini")
    else:
        _require(context, names)
        report = report_on_directory(context, names)
    if not as_json:
        report.print()
    chosen = [organisation.id for organisation in report.organisations]
    found = run_online_checks(runtime_of(context), chosen, quiet=as_json) if online else None
    if as_json:
        print_json(
            report.as_json() | ({} if found is None else {"findings": [*report.rows(), *rows_of(found)]})
        )
    if report.has_errors or any(each.has_errors for each in found or ()):
        raise click.exceptions.Exit(1)


@tenants.command()
@click.argument("file", type=FilePath())
@click.option(
    "--id", "organisation_id", callback=_valid_id, help="The organisation; by default the file's name."
)
@click.pass_obj
def apply(context: Context, file: Path, organisation_id: str | None) -> None:
    """Check a draft, and replace the organisation's file with it.

    The changes are shown, with masked secrets. The file is replaced atomically and keeps its owner and mode.
    """
    editor = TenantEditor(context.tenants_directory, context.plugin_schemas)
    _files(context)
    with editor.alone():
        draft = read_draft(
            file,
            organisation_id,
            context.tenants_directory,
            context.plugin_schemas,
            context.tenant_rules,
            mail_checks=context.mail_checks,
        )
        report = report_on_draft(context, draft)
        report.print_findings()
        if report.has_errors:
            kept = "is left as it was" if draft.seen else "is not made"
            raise click.ClickException(f"{draft.target} {kept}: correct the draft first")
        if draft.before == draft.text:
            click.echo(f"{draft.target} says this already")
            return
        changes = list(differences(draft, context.plugin_schemas))
        write_draft(draft)
    for line in changes or ["no setting is changed"]:
        click.echo(line)
    click.echo(f"wrote {draft.target}; the servers take it within a second")


@tenants.command()
@click.argument("organisation_id", metavar="ID")
@json_option
@click.pass_obj
def show(context: Context, organisation_id: str, *, as_json: bool) -> None:
    """Show an organisation's settings, with masked secrets.

    They are shown as the server reads them, including defaults.
    """
    path = context.tenants_directory / f"{organisation_id}.ini"
    if path not in _files(context):
        raise click.ClickException(f"there is no {path}; see autonomy tenants list")
    loaded = load_file(path, context.plugin_schemas, context.mail_checks)
    if loaded.organisation is None:
        _print_problems(loaded.problems, err=True)
        raise click.exceptions.Exit(1)
    files = {name: sorted(getattr(loaded.organisation, name)) for name in ("mail_texts", "theme")}
    shown = _masked(loaded.organisation) | files
    if as_json:
        print_json(shown)
    else:
        _print_organisation(shown)


@tenants.command()
@click.argument("organisation_id", metavar="ID", callback=_valid_id)
@click.option("--name", required=True, help="The name that customers see.")
@click.option("--plugins", default="", help=f"The plugins to use, {SEPARATED}.")
@click.option("--currency", help="The currency of prices, such as eur. Without it, the key is left empty.")
@click.pass_obj
def new(context: Context, organisation_id: str, name: str, plugins: str, currency: str | None) -> None:
    """Create the file of a new organisation.

    The file explains every key.
    """
    path = context.tenants_directory / f"{organisation_id}.ini"
    given = _accepted(
        {"name": name, "plugins": plugins} | ({} if currency is None else {"currency": currency})
    )
    chosen = given["plugins"]
    unknown = [plugin for plugin in chosen if plugin not in context.plugin_schemas]
    if unknown:
        installed = ", ".join(sorted(context.plugin_schemas))
        raise click.BadParameter(
            f"not installed: {', '.join(unknown)} (installed: {installed})", param_hint="--plugins"
        )
    text = new_tenant_ini(
        organisation_id, given["name"], chosen, context.plugin_schemas, given.get("currency", "")
    )
    _write_new(path, text)
    problems = load_file(path, context.plugin_schemas, context.mail_checks).problems
    click.echo(f"wrote {path}; {'to be filled in:' if problems else 'it is in order'}")
    _print_problems(problems)


def _accepted(options: Mapping[str, str]) -> Mapping[str, Any]:
    """Validate options whose names are keys of [organisation]."""
    try:
        loaded: Mapping[str, Any] = OrganisationSchema(partial=True).load(options)
    except ValidationError as error:
        key, (message, *_) = next(iter(error.messages_dict.items()))
        remedy = f"; {message.remedy}" if isinstance(message, ProblemMessage) else ""
        raise click.BadParameter(f"{message}{remedy}", param_hint=f"--{key}") from None
    return loaded


@tenants.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def accept(context: Context, *, yes: bool) -> None:
    """End the service of all organisations whose files are missing.

    A server does this itself for a few missing files. If many are missing at once, it continues to serve them
    until this command is run. See autonomy.tenants_loss_limit.
    """
    missing = _missing(context)
    if not missing or context.tenant_rules.record is None:
        click.echo("nothing to accept: no organisation's file is missing")
        return
    for name in missing:
        click.echo(f"{context.tenants_directory / name}.ini is gone")
    if not yes:
        click.confirm(f"End the service of {count(len(missing), 'organisation')}?", abort=True)
        # A file may have come back while the question was open.
        missing = sorted({*missing} & {*_missing(context)})
    context.tenant_rules.record.accept(missing)
    click.echo("accepted; the servers follow within a second, and the data stay")


def _missing(context: Context) -> list[str]:
    loaded = load_all(context)
    _files(context)
    for problem in context.tenant_rules.problems():
        raise click.ClickException(str(problem))
    return sorted(loaded.settled.missing)


def _require(context: Context, organisation_ids: Iterable[str]) -> None:
    known = {path.stem for path in _files(context)} if organisation_ids else set()
    for organisation_id in organisation_ids:
        if organisation_id not in known:
            if Path(organisation_id).is_dir():
                raise click.ClickException(_not_a_file(organisation_id))
            path = context.tenants_directory / f"{organisation_id}.ini"
            raise click.ClickException(f"there is no {path}; see autonomy tenants list")


def _not_a_file(name: str) -> str:
    return (
        f"{name} is a directory, not a file: name an organisation or an ini file; without a name, the files "
        "of all organisations are checked"
    )


def _files(context: Context) -> list[Path]:
    try:
        return tenant_files(context.tenants_directory)
    except OSError as error:
        message = f"cannot read the directory {context.tenants_directory}: {error.strerror}"
        raise click.ClickException(message) from None


def _write_new(path: Path, text: str) -> None:
    try:
        # Only the owner may read the file, because it will contain secrets.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{path} exists already") from None
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _row(
    path: Path, organisations: Mapping[str, Organisation], problems: Iterable[Problem]
) -> dict[str, Any]:
    organisation = organisations.get(path.stem)
    return {
        "id": path.stem,
        "name": organisation.name if organisation else None,
        "hosts": list(organisation.hosts) if organisation else [],
        "currency": organisation.currency if organisation else None,
        "plugins": list(organisation.plugins) if organisation else [],
        "problems": sum(problem.organisation_id == path.stem for problem in problems),
        "missing": False,
    }


def _missing_row(version: Version) -> dict[str, Any]:
    """Return the row of an organisation whose file is missing.

    The server serves the organisation from its record. The missing file is the row's problem.
    """
    return {
        "id": version.id,
        "name": None,
        "hosts": list(version.hosts),
        "currency": None,
        "plugins": list(version.plugins),
        "problems": 1,
        "missing": True,
    }


def _print_organisation(shown: Mapping[str, Any]) -> None:
    sections = {"organisation": {key: value for key, value in shown.items() if key != "settings"}}
    for plugin, settings in shown["settings"].items():
        sections[plugin] = settings if isinstance(settings, dict) else {"": settings}
    rows = [
        {"section": section, "key": key, "value": _as_in_the_file(value)}
        for section, values in sections.items()
        for key, value in values.items()
    ]
    print_rows(rows, as_json=False, nothing="")


def _as_in_the_file(value: Any) -> Any:
    """Format a setting as in the ini file."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _print_problems(problems: Iterable[Problem], *, err: bool = False) -> None:
    for problem in problems:
        print_line(str(problem), err=err)


def _masked(value: Any) -> Any:
    """Return `value` as JSON data, with `MASK` for every secret."""
    if isinstance(value, Secret):
        return MASK
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _masked(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
