"""``autonomy texts``: the texts of a package's pages and their translations."""

from __future__ import annotations

from pathlib import Path

import click

from autonomy_core.cli.context import FilePath
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_line
from autonomy_core.pages.extraction import catalogues_below, problems_of, texts_in, updated


@click.command()
@click.argument("package", type=FilePath())
@click.option(
    "--locale", type=FilePath(), help="The directory of the catalogues; by default the package's locale/."
)
@click.option("--check", is_flag=True, help="Change nothing; fail if a translation is missing.")
def texts(package: Path, locale: Path | None, *, check: bool) -> None:
    """Collect the texts of a package's templates and code, and update its catalogues.

    PACKAGE is its directory. For a new language, create an empty file such as locale/de.po first.
    """
    if not package.is_dir():
        raise Failure(f"There is no directory {package}.")
    paths, found = catalogues_below(locale or package / "locale"), texts_in(package)
    if not check:
        for path in paths:
            path.write_bytes(updated(path, found))
    problems = [problem for path in paths for problem in problems_of(path, found)]
    for problem in problems:
        print_line(problem)
    if check and problems:
        raise Failure(f"{len(problems)} translations are missing or doubtful.")
