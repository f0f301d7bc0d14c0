"""``autonomy tenants``: looks at the tenants' files, and begins new ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

from autonomy_core.cli.context import FilePath, json_option
from autonomy_core.cli.output import print_json, print_rows
from autonomy_core.cli.tenants_online import look_online, rows_of
from autonomy_core.cli.tenants_report import Context, count, is_path, report_on_directory, report_on_draft
from autonomy_core.tenancy.applying import differences, read_draft, write_draft
from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.domain import ID_RULE, Organisation, Problem, Version, id_problem
from autonomy_core.tenancy.editing import TenantEditor
from autonomy_core.tenancy.fields import SEPARATED, ProblemMessage
from autonomy_core.tenancy.loader import load_file, tenant_files
from autonomy_core.tenancy.schemas import OrganisationSchema
from autonomy_core.tenancy.secrets import MASK, Secret
from autonomy_core.tenancy.template import new_tenant_ini


def _sound_id(_: click.Context, __: click.Parameter, organisation_id: str | None) -> str | None:
    problem = organisation_id is not None and id_problem(Path(f"{organisation_id}.ini"), organisation_id)
    if problem:
        raise click.BadParameter(f"{problem.code}: {problem.message}; give another: {ID_RULE}")
    return organisation_id


@click.group()
def tenants() -> None:
    """Look at the organisations' files, check them, begin new ones."""


@tenants.command("list")
@json_option
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """List the organisations, also those whose files are gone."""
    loaded = load_directory(context.tenants_directory, context.plugin_schemas, context.tenant_rules)
    rows = [_row(path, loaded.organisations, loaded.problems) for path in _files(context)]
    rows += [_missing_row(loaded.settled.versions[name]) for name in sorted(loaded.settled.missing)]
    print_rows(rows, as_json=as_json, nothing="no organisations")


@tenants.command()
@click.argument("names", metavar="[ID|FILE]...", nargs=-1)
@click.option(
    "--id", "organisation_id", callback=_sound_id, help="Whose FILE is; by default what its name says."
)
@click.option("--online", is_flag=True, help="Also ask the servers that the organisations depend on.")
@json_option
@click.pass_obj
def check(
    context: Context, names: tuple[str, ...], *, organisation_id: str | None, online: bool, as_json: bool
) -> None:
    """Report every problem in every file, with its line. Exit status 1 if there is one.

    With IDs, only these organisations' files are looked at. With a FILE, which may be anywhere, a draft is looked at as
    if it were the organisation's file. The exit status is also 1 if something is found that does not work.
    """
    if any(is_path(name) for name in names):
        if len(names) > 1 or online:
            raise click.UsageError("a FILE is checked alone, and not online")
        draft = read_draft(
            Path(names[0]),
            organisation_id,
            context.tenants_directory,
            context.plugin_schemas,
            context.tenant_rules,
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
    found = look_online(context.runtime, chosen, quiet=as_json) if online else None
    if as_json:
        print_json(
            report.as_json() | ({} if found is None else {"findings": [*report.rows(), *rows_of(found)]})
        )
    if report.has_errors or any(each.has_errors for each in found or ()):
        raise click.exceptions.Exit(1)


@tenants.command()
@click.argument("file", type=FilePath())
@click.option(
    "--id", "organisation_id", callback=_sound_id, help="Whose it is; by default what its name says."
)
@click.pass_obj
def apply(context: Context, file: Path, organisation_id: str | None) -> None:
    """Check a draft, and put it in the place of the file.

    What it changes is shown, secrets masked. The file is replaced as a whole and keeps its owner and mode.
    """
    editor = TenantEditor(context.tenants_directory, context.plugin_schemas)
    _files(context)
    with editor.alone():
        draft = read_draft(
            file, organisation_id, context.tenants_directory, context.plugin_schemas, context.tenant_rules
        )
        report = report_on_draft(context, draft)
        report.print_findings()
        if report.has_errors:
            kept = "is left as it was" if draft.seen else "is not made"
            raise click.ClickException(f"{draft.target} {kept}: mend the draft first")
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
    """Show an organisation's settings, secrets masked.

    It is what the server makes of the file, defaults included.
    """
    path = context.tenants_directory / f"{organisation_id}.ini"
    if path not in _files(context):
        raise click.ClickException(f"there is no {path}; see autonomy tenants list")
    loaded = load_file(path, context.plugin_schemas)
    if loaded.organisation is None:
        _print_problems(loaded.problems, err=True)
        raise click.exceptions.Exit(1)
    shown = _masked(loaded.organisation)
    if as_json:
        print_json(shown)
    else:
        _print_organisation(shown)


@tenants.command()
@click.argument("organisation_id", metavar="ID", callback=_sound_id)
@click.option("--name", required=True, help="The name customers read.")
@click.option("--plugins", default="", help=f"The plugins to use, {SEPARATED}.")
@click.option(
    "--currency", help="What prices are in, such as eur. Without it, the key is left for you to fill in."
)
@click.pass_obj
def new(context: Context, organisation_id: str, name: str, plugins: str, currency: str | None) -> None:
    """Begin the file of a new organisation, every key explained."""
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
    problems = load_file(path, context.plugin_schemas).problems
    click.echo(f"wrote {path}; {'to be filled in:' if problems else 'it is in order'}")
    _print_problems(problems)


def _accepted(options: Mapping[str, str]) -> Mapping[str, Any]:
    """What [organisation] makes of these options, whose names are its keys."""
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
    """End the service of all organisations whose files are gone.

    A server does so by itself for a few; many that are gone at once it goes on serving until this is run. See
    autonomy.tenants_loss_limit.
    """
    missing = _missing(context)
    if not missing or context.tenant_rules.record is None:
        click.echo("nothing to accept: the servers wait for nobody's file")
        return
    for name in missing:
        click.echo(f"{context.tenants_directory / name}.ini is gone")
    if not yes:
        click.confirm(f"End the service of {count(len(missing), 'organisation')}?", abort=True)
        # Whose files came back while the question was open is in service.
        missing = sorted({*missing} & {*_missing(context)})
    context.tenant_rules.record.accept(missing)
    click.echo("accepted; the servers follow within a second, and the data stay")


def _missing(context: Context) -> list[str]:
    loaded = load_directory(context.tenants_directory, context.plugin_schemas, context.tenant_rules)
    _files(context)
    for problem in context.tenant_rules.problems():
        raise click.ClickException(str(problem))
    return sorted(loaded.settled.missing)


def _require(context: Context, organisation_ids: Iterable[str]) -> None:
    known = {path.stem for path in _files(context)} if organisation_ids else set()
    for organisation_id in organisation_ids:
        if organisation_id not in known:
            path = context.tenants_directory / f"{organisation_id}.ini"
            raise click.ClickException(f"there is no {path}; see autonomy tenants list")


def _files(context: Context) -> list[Path]:
    try:
        return tenant_files(context.tenants_directory)
    except OSError as error:
        message = f"cannot read the directory {context.tenants_directory}: {error.strerror}"
        raise click.ClickException(message) from None


def _write_new(path: Path, text: str) -> None:
    try:
        # For the owner alone: the file is going to hold secrets.
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
        "problems": sum(problem.file == path for problem in problems),
        "missing": False,
    }


def _missing_row(version: Version) -> dict[str, Any]:
    """Of an organisation that is served from the record; its file is gone, which is a problem."""
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
    """A setting as the ini file takes it."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _print_problems(problems: Iterable[Problem], *, err: bool = False) -> None:
    for problem in problems:
        click.echo(str(problem), err=err)


def _masked(value: Any) -> Any:
    """Return `value` in terms of JSON, with `MASK` for every secret."""
    if isinstance(value, Secret):
        return MASK
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _masked(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
