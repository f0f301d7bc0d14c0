"""``autonomy files``: compare rows and stores, move files, remove those that no row refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from autonomy_core.backup.stores import CORE_AREAS, stored_files_of
from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_json, print_rows
from autonomy_core.files.administration import ERRORS, compare, places_of
from autonomy_core.files.administration import move as move_files
from autonomy_core.files.area import FileArea
from autonomy_core.files.room import usage as usage_of
from autonomy_core.files.services import storage_of
from autonomy_core.files.uploads.collecting import JOBS as UPLOAD_JOBS
from autonomy_core.images.collecting import JOBS as IMAGE_JOBS
from autonomy_core.kernel.scope import TenantScope

ORGANISATIONS = click.argument("organisation_ids", metavar="[ORG]...", nargs=-1)

DIFFERS = 1
"""The exit status if a file cannot be served, or a store cannot be listed."""


@click.group()
def files() -> None:
    """Check, move and collect stored files."""


@files.command()
@ORGANISATIONS
@json_option
@pass_cli
def check(cli: CliContext, organisation_ids: tuple[str, ...], *, as_json: bool) -> None:
    """List files that are missing, of a wrong size, or unreferenced.

    Exit status 1: a file is missing or of a wrong size. An unreferenced file is none of these.
    """
    found = []
    for scope, area in _areas(cli, organisation_ids):
        if area.referred_to is not None:
            try:
                found += list(compare(scope, area))
            except OSError as error:
                raise _unusable(scope, area, error) from None
    print_rows([asdict(each) for each in found], as_json=as_json, nothing="rows and stores agree")
    if any(each.finding in ERRORS for each in found):
        raise click.exceptions.Exit(DIFFERS)


@files.command()
@ORGANISATIONS
@click.option("--to", metavar="URL", help="A store of the ini files; by default autonomy.files.url.")
@json_option
@pass_cli
def move(cli: CliContext, organisation_ids: tuple[str, ...], to: str | None, *, as_json: bool) -> None:
    """Copy files from other stores into one.

    The stores are those of the ini files. Each file is read back. The server may be in use. Repeat the
    command after an interruption. It deletes nothing. Exit status 1: a file is damaged, and not copied.
    """
    damaged = []
    rows = []
    for scope, area in _areas(cli, organisation_ids):
        try:
            moved = move_files(scope, area, to=to)
        except LookupError:
            raise Failure(
                f"{scope.organisation.id}: no key of the ini files names the store {to}. Write it into "
                "autonomy.files.url or autonomy.files.previous_url.",
                exit_code=2,
            ) from None
        except OSError as error:
            raise _unusable(scope, area, error) from None
        damaged += moved.damaged
        names = {"organisation": scope.organisation.id, "files": f"{area.plugin}/{area.name}"}
        rows.append(
            {**names, "copied": moved.copied, "present": moved.present, "damaged": len(moved.damaged)}
        )
    if as_json:
        print_json({"areas": rows, "damaged": [asdict(each) for each in damaged]})
    else:
        print_rows(rows, as_json=False, nothing="no files")
        for each in damaged:
            click.echo(f"{each.organisation}: {each.key} is damaged, and not copied", err=True)
    if damaged:
        raise click.exceptions.Exit(DIFFERS)


@files.command()
@ORGANISATIONS
@pass_cli
def collect(cli: CliContext, organisation_ids: tuple[str, ...]) -> None:
    """Run the jobs that remove unreferenced files.

    A file is removed after the delay in the settings of its plugin, and not at the first visit. Exit status
    1: a store cannot be listed. No file of that plugin is removed from the organisation.
    """
    offered = (job for _, offered in cli.plugins.registered("register_jobs") for job in offered)
    jobs = {job.name: job for job in (*IMAGE_JOBS, *UPLOAD_JOBS, *offered)}
    of_core = {area.plugin for area in CORE_AREAS}
    areas: dict[str, list[FileArea]] = {}
    for area in _declared(cli):
        areas.setdefault(area.plugin, []).append(area)
    complete = True
    for plugin in sorted(areas):
        job = jobs.get(f"{plugin}.collect")
        for organisation_id in organisation_ids or cli.organisation_ids:
            organisation = cli.organisation(organisation_id)
            if job is None or plugin not in {*of_core, *organisation.plugins}:
                continue
            scope = cli.scope_of(organisation)
            if not _can_be_listed(scope, areas[plugin]):
                complete = False
                continue
            with cli.transaction(organisation_id) as own:
                job.function(own)
            click.echo(f"{organisation_id}: {job.name} has run")
    if not complete:
        raise click.exceptions.Exit(DIFFERS)


@files.command()
@ORGANISATIONS
@json_option
@pass_cli
def usage(cli: CliContext, organisation_ids: tuple[str, ...], *, as_json: bool) -> None:
    """Show how much organisations store, in bytes, and their limits."""
    rows = []
    for organisation_id in organisation_ids or cli.organisation_ids:
        with cli.transaction(organisation_id) as scope:
            found = usage_of(scope)
        rows.append(
            {
                "organisation": organisation_id,
                "bytes": found.bytes,
                "limit": found.limit,
                "uploads": found.uploads,
                "upload_bytes": found.upload_bytes,
                **{area.files: area.bytes for area in found.areas},
            }
        )
    print_rows(rows, as_json=as_json, nothing="no organisations")


def _can_be_listed(scope: TenantScope, areas: list[FileArea]) -> bool:
    """Whether the stores can be listed; if not, say why. The job itself only logs it."""
    for area in areas:
        try:
            for _ in storage_of(scope, area).keys(scope.organisation.id):
                pass
        except OSError as error:
            click.echo(f"{_unusable(scope, area, error)}. Nothing was removed there.", err=True)
            return False
    return True


def _declared(cli: CliContext) -> Iterator[FileArea]:
    yield from (each for _, each in stored_files_of(cli.plugins) if isinstance(each, FileArea))


def _areas(cli: CliContext, organisation_ids: tuple[str, ...]) -> Iterator[tuple[TenantScope, FileArea]]:
    for organisation_id in organisation_ids or cli.organisation_ids:
        scope = cli.scope_of(cli.organisation(organisation_id))
        for area in _declared(cli):
            yield scope, area


def _unusable(scope: TenantScope, area: FileArea, error: OSError) -> Failure:
    where = ", ".join(map(str, places_of(scope, area))) or f"the storage of {area.plugin}/{area.name}"
    return Failure(f"{scope.organisation.id}: {where}: {error}")
