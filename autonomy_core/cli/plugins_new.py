"""``autonomy plugins new``: creates a plugin with tests that pass."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import click

from autonomy_core.cli.commands import COMMANDS
from autonomy_core.cli.plugin_building import core_names
from autonomy_core.kernel.hooks import ENTRY_POINT_GROUP
from autonomy_core.kernel.version import API_VERSION
from autonomy_core.models import Base

TEMPLATE = Path(__file__).parent / "plugin_template"
"""The files of a new plugin. The suffix ``.txt`` keeps tools from treating them as code."""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 30
_TAKEN = frozenset({"autonomy", "core", "embedded", "organisation", "sqlalchemy", "stand_ins", "tests"})
"""Reserved words of the server's ini keys, of organisations' ini files and of the tests."""


@click.command()
@click.argument("name")
def new(name: str) -> None:
    """Create a plugin with passing tests in the directory ./NAME."""
    problem = name_problem(name)
    if problem is not None:
        raise click.BadParameter(problem, param_hint="NAME")
    directory = Path(name)
    try:
        write_plugin(name, directory)
    except FileExistsError:
        raise click.ClickException(f"./{directory} exists already; nothing was written") from None
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from None
    click.echo(f"wrote ./{directory}; continue with:\n")
    click.echo(f"  cd {directory} && pip install -e '.[testing]' && pytest && mypy")


def name_problem(name: str) -> str | None:
    """Return why a name is invalid for a plugin, or None.

    It becomes a package, a section and a table prefix.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        return f"use at most {_LONGEST} lower-case letters, digits and single underscores, a letter first"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return f"{name!r} is a word of Python's own, and cannot be a package's name: choose another"
    return next(_taken(name), None)


def _taken(name: str) -> Iterator[str]:
    """Yield the reasons why a name is taken."""
    if importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name=name):
        yield "a plugin of this name is installed"
    if name in _TAKEN:
        yield "the server uses the word for something else"
    # A spec without an origin is a plain directory, which `write_plugin` refuses.
    if (spec := importlib.util.find_spec(name)) is not None and spec.origin is not None:
        yield "there is a Python module of this name"
    if tables := _core_tables(f"{name}_"):
        yield f"its tables would begin as the core's do: {', '.join(tables)}"
    if name in _names_of_the_core():
        yield "the core has a package, a command, a job or a node in the tree of this name"
    if taken := _distributions() & {name.replace("_", "-"), f"autonomy-{name.replace('_', '-')}"}:
        yield f"a distribution of this name is installed: {taken.pop()}"


def _names_of_the_core() -> set[str]:
    """Return the names in the core that a plugin must not have."""
    packages = {path.name for path in Path(__file__).parents[1].iterdir()}
    return {*COMMANDS, *packages, *(name.removesuffix(".py") for name in packages), *core_names()}


def _distributions() -> set[str]:
    names = (found.metadata["Name"] for found in importlib.metadata.distributions())
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names if name}


def write_plugin(name: str, directory: Path) -> None:
    """Write the files of a new plugin.

    Args:
        name: the plugin's name.
        directory: the directory to create.

    Raises:
        FileExistsError: it exists.
        OSError: it cannot be written.
    """
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "camel": "".join(word.title() for word in name.split("_")),
        "minimum_api": str(API_VERSION),
    }
    directory.mkdir()
    for source in sorted(TEMPLATE.rglob("*.txt")):
        parts = (name if part == "NAME" else part for part in source.relative_to(TEMPLATE).parts)
        target = directory.joinpath(*parts).with_suffix("")
        target.parent.mkdir(exist_ok=True)
        target.write_text(Template(source.read_text("utf-8")).substitute(words), "utf-8")


def _core_tables(prefix: str) -> list[str]:
    names = {*Base.metadata.tables, "procrastinate_jobs"}
    return sorted(table for table in names if table.startswith(prefix))
