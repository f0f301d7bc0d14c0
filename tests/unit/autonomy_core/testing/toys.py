"""Plugins that each break one rule of the contract, as the text of their files."""

from __future__ import annotations

MODEL = """
from uuid import UUID
from pathlib import Path
from sqlalchemy import Text, text
from sqlalchemy.orm import Mapped, mapped_column
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.migrations import plugin_migrations
from autonomy_core.plugin_api.models import Base, Identified

class Row(Identified, Base):
    __tablename__ = "{table}"
    note: Mapped[str]
    {more}

@hookimpl
def register_migrations():
    return plugin_migrations("{name}", Path(__file__).parent / "migrations")
"""

MIGRATION = """
import sqlalchemy as sa
from alembic import op
from autonomy_core.plugin_api.migrations import isolate
revision, down_revision, branch_labels, depends_on = "0001", None, None, None

def upgrade():
    op.create_table(
        "{table}",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_{table}"),
    )
    {after}

def downgrade():
    op.drop_table("{table}")
"""

HOOK = """
@hookimpl
def on_payment_completed(event):
    event.scope.session.execute(
        text(
            "INSERT INTO {table} (organisation_id, id, note) VALUES (:o, {id}, 'paid') "
            "ON CONFLICT DO NOTHING"
        ),
        {{"o": event.scope.organisation.id, "p": event.payment.id}},
    )
"""

VIEWS = """
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.operations import PUBLIC, Operation, api_view
from autonomy_core.plugin_api.resources import ApiV1, Resource

class Node(Resource): "A node."

def view(context, request): "It answers."
"""

SETTINGS = """
from marshmallow import Schema, fields
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl

class Lax(Schema):
    class Meta:
        unknown = "exclude"
    {fields}

@hookimpl
def register_settings():
    return PluginSettings(organisation=Lax)
"""


def with_table(
    name: str, *, table: str = "", more: str = "", after: str = "isolate(op, '{table}')", row: str = ":p"
):
    table = table or f"{name}_rows"
    values = {"name": name, "table": table, "more": more, "after": after.format(table=table), "id": row}
    plugin, migration = (MODEL + HOOK).format(**values), MIGRATION.format(**values)
    return {"__init__.py": plugin, "migrations/0001_rows.py": migration}


def only(plugin: str) -> dict[str, str]:
    return {"__init__.py": plugin}


PLUGINS = {
    "sound": with_table("sound"),
    "counts_twice": with_table("counts_twice", row="gen_random_uuid()"),
    "raises": only(
        "from autonomy_core.plugin_api.hooks import hookimpl\n"
        "@hookimpl\ndef on_payment_completed(event): 1 / 0\n"
    ),
    "calls_out": only(
        "import socket\nfrom contextlib import suppress\n"
        "from autonomy_core.plugin_api.hooks import hookimpl\n"
        "@hookimpl\ndef on_payment_completed(event):\n"
        "    with suppress(OSError): socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
    ),
    "unisolated": with_table("unisolated", after="pass"),
    "unprefixed": with_table("unprefixed", table="oddments"),
    "leaves_things": with_table(
        "leaves_things",
        after="isolate(op, '{table}'); op.execute('CREATE TYPE leaves_things_behind AS ENUM ()')",
    ),
    "meddles": with_table(
        "meddles",
        after="isolate(op, '{table}'); op.execute('CREATE INDEX ON products (title)')",
    ),
    "lacks_a_revision": with_table("lacks_a_revision", more="extra: Mapped[str | None]"),
    "hangs_for_all": only(
        VIEWS
        + """
@hookimpl
def register_views(config):
    config = config.with_package("autonomy_core")
    config.add_child(ApiV1, "for_all", Node)
    config.add_operation(Operation(Node, "GET", "", "For all", PUBLIC), view)
"""
    ),
    "registers_for_all": only(
        VIEWS
        + """
@hookimpl
def register_views(config):
    config.add_subscriber(print, "pyramid.events.NewRequest")
    config.add_tween("registers_for_all.tween")
    config.add_route("everywhere", "/everywhere")
    config.add_request_method(tween, "everybodys")

def tween(handler, registry):
    return handler
"""
    ),
    "unreachable": only(
        VIEWS
        + """
@hookimpl
def register_views(config):
    config.add_operation(Operation(Node, "GET", "", "Nowhere", PUBLIC), view)
"""
    ),
    "reads_laxly": only(
        VIEWS
        + """
from marshmallow import fields
from autonomy_core.plugin_api.schemas import ApiSchema

class PointSchema(ApiSchema):
    x = fields.Integer()

class TakenSchema(ApiSchema):
    title = fields.String()
    ids = fields.List(fields.UUID())
    point = fields.Nested(PointSchema)

@hookimpl
def register_views(config):
    config.add_child(ApiV1, "reads_laxly", Node)
    config.add_operation(Operation(Node, "POST", "", "Take it", PUBLIC, body=TakenSchema, id="take"), view)
"""
    ),
    "unexplained": only(SETTINGS.format(fields="colour = fields.String()\n    retries = fields.Integer()")),
    "misnames_a_job": only(
        "from autonomy_core.plugin_api.hooks import hookimpl\nfrom autonomy_core.plugin_api.jobs import Job\n"
        "@hookimpl\ndef register_jobs(): return [Job('payments.mine', print)]\n"
    ),
    "pries": only(
        "from autonomy_core.db.database import Database\nimport sound\n"
        "from autonomy_core.web.gate import plain\n"
        "from autonomy_core.plugin_api.operations import annotations, api_view\n"
        "from autonomy_core.plugin_api import API_VERSION, audit, hookspecs\nimport media_mp3\n"
    ),
}
PLUGINS["shared"] = {
    "__init__.py": PLUGINS["sound"]["__init__.py"]
    .replace("sound", "shared")
    .replace("(Identified, Base)", "(Base)")
    .replace("    note:", "    id: Mapped[UUID] = mapped_column(primary_key=True)\n    note:")
    .partition("\n@hookimpl\ndef on_")[0],
    "migrations/0001_rows.py": PLUGINS["sound"]["migrations/0001_rows.py"]
    .replace("sound", "shared")
    .replace('        sa.Column("organisation_id", sa.Text(), nullable=False),\n', "")
    .replace('"organisation_id", ', "")
    .replace("isolate(op, 'shared_rows')", "pass"),
}
