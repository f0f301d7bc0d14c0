"""Tools for developers who change models: generate a component's next revision, and find missing ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from alembic import autogenerate
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.operations.ops import CreateTableOp, MigrateOperation, MigrationScript
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from autonomy_core.db.components import Migrations

OF_THE_CORE, OF_PLUGINS = "autonomy_core.db.isolation", "autonomy_core.plugin_api.migrations"
"""The modules from which the revisions of the core and of plugins import `isolate`."""


def check_models_match(
    connection: Connection, component: Migrations, others: Sequence[Migrations] = ()
) -> list[str]:
    """The differences between a component's tables and its models, one sentence each.

    Args:
        connection: to a migrated database.
        component: the component to compare.
        others: the other components, whose tables are skipped; needed for the core.
    """
    context = MigrationContext.configure(connection, opts=_comparison(component, others))
    return [_sentence(found) for found in _flat(autogenerate.compare_metadata(context, component.metadata))]


def new_revision(
    component: Migrations,
    message: str,
    *,
    compare_with: Connection | None = None,
    others: Sequence[Migrations] = (),
) -> Path:
    """Write the component's next revision file.

    Args:
        component: the component.
        message: what the revision does, in a few words.
        compare_with: a connection to a database at the component's newest revision. The differences between
            its tables and the models are written into the file, and a developer must review them. Without it,
            the revision is empty.
        others: the other components; needed for the core.

    Returns:
        The path of the new file.
    """
    script = component.script
    arguments = {
        "message": message,
        "autogenerate": compare_with is not None,
        "sql": False,
        "head": "head",
        "splice": False,
        "branch_label": None,
        "version_path": None,
        "rev_id": f"{len(list(script.walk_revisions())) + 1:04d}",
        "depends_on": None,
    }
    revision = autogenerate.RevisionContext(
        Config(), script, arguments, process_revision_directives=partial(_isolate_new_tables, component)
    )
    if compare_with is not None:
        _compare(revision, component, others, compare_with)
    written = next(iter(revision.generate_scripts()))
    assert written is not None  # noqa: S101 - for the type checker: nothing here drops the directive
    return Path(written.path)


def _compare(
    revision: autogenerate.RevisionContext,
    component: Migrations,
    others: Sequence[Migrations],
    connection: Connection,
) -> None:
    def compare(current: Any, context: MigrationContext) -> list[Any]:
        revision.run_autogenerate(current, context)
        return []

    with EnvironmentContext(
        Config(), component.script, fn=compare, template_args=revision.template_args
    ) as environment:
        environment.configure(
            connection=connection,
            version_table=component.version_table,
            target_metadata=component.metadata,
            **_comparison(component, others),
        )
        environment.run_migrations()


def _comparison(component: Migrations, others: Sequence[Migrations]) -> dict[str, Any]:
    def is_ours(
        item: Any,
        name: str | None,
        kind: str,
        reflected: bool,  # noqa: FBT001
        compare_to: Any,
    ) -> bool:
        table = name if kind == "table" else item.table.name
        return _owner(table or "", (component, *others)) == component.component

    # include_object filters both sides. include_name filters the database's side only, so every table of the
    # other components would be reported as missing.
    return {"include_object": is_ours, "compare_type": True}


def _owner(table_name: str, components: Sequence[Migrations]) -> str | None:
    """The component whose prefix matches; the longest prefix wins. The core owns tables without a prefix."""
    if table_name.startswith("procrastinate_") or table_name.endswith("_alembic_version"):
        return None
    prefixes = {component.table_prefix or "": component.component for component in components}
    fitting = [prefix for prefix in prefixes if table_name.startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else None


def _flat(differences: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for found in differences:
        yield from found if isinstance(found, list) else [found]


def _sentence(found: tuple[Any, ...]) -> str:
    action, *what = found
    named = [
        str(getattr(part, "name", part)) for part in what if part is not None and not isinstance(part, dict)
    ]
    return f"{action.replace('_', ' ')}: {', '.join(named)}"


def _isolate_new_tables(
    component: Migrations, context: MigrationContext, revision: Any, directives: list[MigrationScript]
) -> None:
    """Write ``isolate(op, …)`` after each new tenant table, so that developers cannot forget it."""
    for directive in directives:
        operations = directive.upgrade_ops
        if operations is not None:
            operations.ops = [step for op in operations.ops for step in (op, *_isolation_of(op, component))]


class IsolateOp(MigrateOperation):
    """The operation that is rendered as ``isolate(op, table)`` in a revision file.

    Args:
        module: the module from which the file imports `isolate`.
    """

    def __init__(self, table_name: str, module: str) -> None:
        self.table_name = table_name
        self.module = module


@autogenerate.renderers.dispatch_for(IsolateOp)
def _render_isolate(context: AutogenContext, operation: IsolateOp) -> str:
    context.imports.add(f"from {operation.module} import isolate")
    return f"isolate(op, {operation.table_name!r})"


def _isolation_of(operation: MigrateOperation, component: Migrations) -> list[MigrateOperation]:
    if not isinstance(operation, CreateTableOp):
        return []
    names = {getattr(column, "name", None) for column in operation.columns}
    module = OF_THE_CORE if component.table_prefix is None else OF_PLUGINS
    return [IsolateOp(operation.table_name, module)] if "organisation_id" in names else []
