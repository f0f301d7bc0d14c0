import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from marshmallow import EXCLUDE, Schema, fields

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.cli.plugin_checks import problems_of
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.migrations import plugin_migrations
from autonomy_core.plugin_api.resources import ApiV1, Products, Resource
from autonomy_core.plugin_api.schemas import NumberInText
from autonomy_core.plugin_api.settings import SettingsSchema
from autonomy_core.testing import stand_ins

ROOT = Path(__file__).parents[4]


def problems_with(*functions):
    module = ModuleType("bonus_track.plugin")
    for function in functions:
        function.__module__ = module.__name__
        setattr(module, function.__name__, function)
    return problems_of(Plugins({"bonus_track": module}), "bonus_track")


def test_the_list_says_which_organisations_have_enabled_a_plugin(bare):
    (row,) = json.loads(bare.run("plugins", "list", "--json").stdout)
    assert row["plugin"] == "stand_ins"
    assert row["enabled_by"] == ["acme", "zenith"]
    assert "stand_ins" in bare.run("plugins", "list").stdout


def test_the_list_of_plugins_needs_no_ini_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    context = CliContext()
    context.plugins = Plugins({"stand_ins": stand_ins})
    result = CliRunner().invoke(command, ["plugins", "list", "--json"], obj=context)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [{"plugin": "stand_ins", "distribution": None, "version": None}]


def test_an_ini_file_named_for_the_list_must_exist(bare, tmp_path):
    assert bare.run("plugins", "list", config=tmp_path / "nowhere.ini").exit_code == 2


def test_a_plugin_without_problems_is_reported_as_such(bare):
    result = bare.run("plugins", "check")
    assert (result.exit_code, result.stdout) == (0, "stand_ins: in order\n")


def test_a_plugin_with_a_problem_makes_status_1(bare):
    bare.plugins = Plugins({"empty": ModuleType("empty")})
    result = bare.run("plugins", "check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"empty": ["it implements no hook"]}


def test_a_hook_that_is_not_marked_is_found():
    def on_payment_completed(event): ...

    (first, _) = problems_with(on_payment_completed)
    assert "on_payment_completed() has a hook's name and is not marked with @hookimpl" in first


def test_a_function_with_nearly_a_hooks_name_is_found():
    def on_payment_complete(event): ...

    (first, _) = problems_with(on_payment_complete)
    assert "on_payment_complete() looks like a hook" in first
    assert "on_payment_completed" in first


def test_undescribed_or_unrestricted_settings_are_found():
    class Careless(Schema):
        class Meta:
            unknown = EXCLUDE

        product_id = fields.String()

    @hookimpl
    def register_settings():
        return PluginSettings(organisation=Careless)

    lenient, undescribed, absent = problems_with(register_settings)
    assert "accept unknown keys" in lenient
    assert "Careless: the key product_id has no description" in undescribed
    assert "Careless: the key product_id is neither required nor has it a default" in absent


def test_settings_that_take_several_spellings_are_found():
    class Lax(SettingsSchema):
        number = fields.Integer(required=True, metadata={"description": "A number."})
        id = fields.UUID(required=True, metadata={"description": "An id."})
        share = fields.Float(required=True, metadata={"description": "A share."})
        fine = NumberInText(required=True, metadata={"description": "A number."})
        switch = fields.Boolean(required=True, metadata={"description": "Whether it is on."})

    @hookimpl
    def register_settings():
        return PluginSettings(organisation=Lax, server=Lax)

    found = problems_with(register_settings)
    assert len(found) == 6
    assert (
        "its organisation settings, Lax: the key number: it takes '1_0' and '+1'; use NumberInText" in found
    )


def test_migrations_missing_from_the_wheel_are_found(tmp_path):
    @hookimpl
    def register_migrations():
        return plugin_migrations("bonus_track", Path(tmp_path))

    (problem,) = problems_with(register_migrations)
    assert "has no __init__.py" in problem


def test_jobs_and_commands_with_wrong_names_are_found():
    import click

    @hookimpl
    def register_jobs():
        return [Job("thanks", print)]

    @hookimpl
    def register_commands():
        return [click.Command("serve")]

    job, command = problems_with(register_jobs, register_commands)
    assert "must be called bonus_track." in job
    assert "has the name of one of the core's" in command


BROKEN = {
    "cannot": "import no_such_module_anywhere\n",
    "leaves": "raise SystemExit(3)\n",
    "waits": (
        "from autonomy_core.plugin_api.hooks import hookimpl\n"
        "@hookimpl\nasync def on_payment_completed(event): ...\n"
    ),
}


@pytest.fixture
def with_broken(bare, tmp_path, monkeypatch):
    """Three more distributions, whose plugins cannot be loaded."""
    for name, source in BROKEN.items():
        (tmp_path / f"{name}_plugin.py").write_text(source)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[autonomy.plugins]\n{name} = {name}_plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    organisation = "[organisation]\nname = Acme\nhosts = acme.example\ncurrency = eur\nplugins = cannot\n"
    text = organisation + "\n[cannot]\nkey = x\n"
    (bare.directory / "tenants" / "acme.ini").write_text(text)
    (bare.directory / "tenants" / "zenith.ini").unlink()

    def run(*arguments):
        return CliRunner().invoke(command, ["--config", str(bare.ini), *arguments])

    return run


def test_the_list_names_plugins_that_cannot_be_loaded_with_status_1(with_broken):
    result = with_broken("plugins", "list", "--json")
    assert result.exit_code == 1
    rows = {row["plugin"]: row for row in json.loads(result.stdout)}
    assert rows.keys() >= {"cannot", "leaves", "waits", "media_mp3"}
    assert (rows["cannot"]["version"], rows["cannot"]["enabled_by"]) == ("1.0", ["acme"])
    assert "cannot: cannot_plugin cannot be imported: ModuleNotFoundError" in result.stderr
    assert "leaves: leaves_plugin cannot be imported: SystemExit: 3" in result.stderr
    assert "waits: on_payment_completed() is an async function" in result.stderr


def test_the_check_names_plugins_that_cannot_be_loaded_and_continues(with_broken):
    result = with_broken("plugins", "check", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert "cannot be imported" in found["cannot"][0]
    assert "is an async function" in found["waits"][0]
    assert found["media_mp3"] == found["stripe_payments"] == []


def module(name, **hooks):
    made = ModuleType(f"{name}.plugin")
    for hook, function in hooks.items():
        function.__module__ = made.__name__
        setattr(made, hook, hookimpl(function))
    return made


@pytest.fixture
def built(bare, monkeypatch):
    """The findings of the check for plugins with these hooks."""

    def built(**plugins):
        modules = {name: module(name, **hooks) for name, hooks in plugins.items()}
        for name, made in modules.items():
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
            monkeypatch.setitem(sys.modules, made.__name__, made)
        bare.plugins = Plugins(modules)
        result = bare.run("plugins", "check", "--json")
        assert result.exit_code == 1
        return json.loads(result.stdout)

    return built


class One(Resource):
    """A node."""


def hangs(name, parent=ApiV1):
    return lambda config: config.add_child(parent, name, One)


def view(context, name="", **predicates):
    def register_views(config):
        config.add_view(lambda context, request: None, context=context, name=name, **predicates)

    return {"register_views": register_views}


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        ({"register_views": lambda config: 1 / 0}, "register_views() raised ZeroDivisionError"),
        ({"register_jobs": lambda: 1 / 0}, "register_jobs() raised ZeroDivisionError"),
        ({"register_jobs": lambda: [Job("payments.sweep", print)]}, "must be called shop."),
        ({"register_views": hangs("products")}, "'products'"),
        (
            view(Products, request_method="GET", header="X-Mine"),
            "its view for GET of Products takes the place of the core's",
        ),
        (view(Products, accept="application/json"), "takes the place of the core's"),
        (
            view(NotFound, exception_only=True),
            "its view for any method of NotFound takes the place of the core's",
        ),
    ],
)
def test_hooks_that_stop_the_server_or_replace_core_views_are_found(built, hooks, says):
    (problem,) = built(shop=hooks)["shop"][:1]
    assert says in problem


@pytest.mark.parametrize(
    ("directive", "arguments", "says"),
    [
        ("add_tween", ["builtins.print"], "tweens: "),
        ("add_subscriber", [print, "pyramid.events.NewRequest"], "subscribers: "),
        ("add_route", ["shop", "/shop"], "routes: "),
        ("add_request_method", [print, "everybodys"], "request extensions: "),
    ],
)
def test_views_that_ignore_whether_the_plugin_is_enabled_are_found(built, directive, arguments, says):
    def register_views(config):
        getattr(config, directive)(*arguments)

    (problem,) = built(shop={"register_views": register_views})["shop"]
    assert problem.startswith(says)
    assert problem.endswith("exists for every organisation")


def test_a_conflict_is_reported_for_both_plugins(built):
    found = built(shop={"register_views": hangs("things")}, store={"register_views": hangs("things")})
    for name in ("shop", "store"):
        (problem,) = found[name]
        assert "'things'" in problem
        assert "plugin shop" in problem
        assert "plugin store" in problem


def test_a_node_that_hides_another_plugin_s_view_is_found(built):
    shop = view(ApiV1, "special", request_method="GET")
    found = built(shop=shop, store={"register_views": hangs("special")})
    assert "its node 'special' below ApiV1 hides plugin shop's view" in found["store"][0]


TWO_VIEWS = """
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import Products

@api_view(context=Products, method="GET", name="best", summary="One", permission=PUBLIC)
def one(context, request): ...

@api_view(context=Products, method="GET", name="best", summary="Other", permission=PUBLIC)
def other(context, request): ...
"""
HOOKS = """
from autonomy_core.plugin_api.hooks import hookimpl

@hookimpl
def register_views(config):
    config.scan("written_shop.views")

@hookimpl
def register_jobs():
    {jobs}
"""


@pytest.fixture
def written(bare, tmp_path, monkeypatch):
    """The findings of the check for a plugin in its own files."""

    def written(plugin, views=""):
        package = tmp_path / "written_shop"
        package.mkdir()
        for name, text in {"__init__": "", "plugin": plugin, "views": views}.items():
            (package / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        for name in ("written_shop", "written_shop.plugin", "written_shop.views"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        bare.plugins = Plugins({"written_shop": import_module("written_shop.plugin")})
        result = bare.run("plugins", "check", "--json")
        problems = json.loads(result.stdout)["written_shop"]
        assert result.exit_code == bool(problems)
        return problems

    return written


def test_two_views_for_one_call_are_reported_with_both_places(written):
    (problem,) = written(HOOKS.format(jobs="return []"), TWO_VIEWS)
    assert "give one of them another name, method or context" in problem
    assert re.findall(r"plugin written_shop: Line (\d+) of file \S+/written_shop/views.py", problem) == [
        "5",
        "8",
    ]


def test_a_forbidden_import_is_reported_with_its_place(written):
    private, foreign = written(
        HOOKS.format(jobs="return []"), "import autonomy_core.app\nimport media_mp3.models\n"
    )
    assert private.startswith(
        "written_shop/views.py:1: imports autonomy_core.app, which is private to the core"
    )
    assert foreign.startswith("written_shop/views.py:2: imports media_mp3.models, another plugin's")


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("def view(scope): scope.runtime", "scope.runtime"),
        ("def view(context, request): context.scope._runtime.database", "context.scope._runtime"),
        ("def view(request): request.registry.runtime", "request.registry.runtime"),
        ("def look(shop: TenantScope): shop.transaction.commit()", "shop.transaction"),
        ("def look(shop: TenantScope | None = None): shop._transaction", "shop._transaction"),
        ("def work(shop):\n with shop.begin() as own: own.runtime", "own.runtime"),
        ("def work(shop):\n own = shop.other_organisation('b')\n own._runtime", "own._runtime"),
        ("def command(cli): cli._runtime.tenants", "cli._runtime"),
        ("def command(cli, shop): cli.scope_of(shop)._runtime", "cli.scope_of(shop)._runtime"),
    ],
)
def test_an_access_behind_the_scope_is_reported_with_its_place(written, line, read):
    (problem,) = written(HOOKS.format(jobs="return []"), f"from __future__ import annotations\n{line}")
    assert re.match(
        rf"written_shop/views.py:\d: reads {re.escape(read)}, which is private to the core: ", problem
    )


@pytest.mark.parametrize(
    "line",
    [
        "def view(film): film.runtime",
        "def command(cli):\n with cli.transaction('acme') as scope: scope.session",
        "class Film:\n def __init__(self): self._runtime = 90\n def longer(self, other): other._runtime",
    ],
)
def test_a_name_equal_to_a_private_one_is_no_problem(written, line):
    assert written(HOOKS.format(jobs="return []"), line) == []


def test_a_hook_that_raises_is_reported_with_its_place(written):
    (problem,) = written(HOOKS.format(jobs="1 / 0"))
    assert problem == "register_jobs() raised ZeroDivisionError: division by zero (at written_shop.plugin:10)"


@pytest.mark.parametrize("views", ["def view(:\n", "x = 'a\0b'\n", "x = " + "(" * 300 + ")" * 300])
def test_a_file_that_cannot_be_parsed_is_reported_with_its_place(written, views):
    (problem,) = written(HOOKS.format(jobs="return []").replace("config.scan", "len"), views)
    assert problem.startswith("written_shop/views.py:1: it cannot be parsed: ")


@pytest.mark.parametrize(
    "revision",
    ["def upgrade(:\n", "revision = '0001'\ndown_revision = '0000'\n", "import no_such_module_anywhere\n"],
)
def test_a_broken_history_of_migrations_is_reported(written, tmp_path, revision):
    migrations = tmp_path / "history"
    migrations.mkdir()
    (migrations / "__init__.py").touch()
    (migrations / "0001_first.py").write_text(revision)
    plugin = f"""
from pathlib import Path
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.migrations import plugin_migrations

@hookimpl
def register_migrations():
    return plugin_migrations("written_shop", Path({str(migrations)!r}))
"""
    (problem,) = written(plugin)
    assert problem.startswith(f"{migrations} cannot be read: ")


MODELS = """
import sys
from autonomy_core.cli.plugin_checks import problems_of
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.models import Base, Identified, tenant_key
from types import ModuleType
from uuid import UUID
from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.exc import ConstraintColumnNotFoundError
from sqlalchemy.orm import Mapped, mapped_column

def model(module, table, *more, **columns):
    values = {"__module__": module, "__tablename__": table, "__table_args__": more}
    kept.append(type(table, (Identified, Base), {**values, "__annotations__": columns}))

kept = []
model("store.models", "store_things")
model("shop.models", "shop_lines", tenant_key("thing_id", "store_things"),
    tenant_key("product_id", "products"),
      thing_id=Mapped[UUID], product_id=Mapped[UUID])
model("shop.models", "oddments")
kept.append(type("shop_all", (Base,), {"__module__": "shop.models", "__tablename__": "shop_all",
                 "__annotations__": {"id": Mapped[int]}, "id": mapped_column(primary_key=True)}))
try:
    model("broken.models", "broken_lines", ForeignKeyConstraint(["absent"], ["products.id"]))
except ConstraintColumnNotFoundError as error:
    kept.append(error)  # and with it the class, which was not mapped
plugins = Plugins({name: ModuleType(f"{name}.plugin") for name in ("shop", "store")})
print(*problems_of(plugins, "shop")[1:], sep=chr(10))
print("store:", *problems_of(plugins, "store")[2:])
"""


@pytest.mark.processes
def test_other_plugins_tables_and_references_to_them_are_found():
    """Run the check in its own process, because models are registered globally."""
    done = subprocess.run([sys.executable, "-c", MODELS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *found, store = sorted(done.stdout.splitlines())
    assert [problem.partition(":")[0] for problem in found] == [
        "its models define oddments, shop_all, shop_lines, and no migration creates them",
        "its table 'oddments' has to be called shop_…; `autonomy migrate` refuses it",
        "its table 'shop_all' has no organisation_id in its primary key",
        "its table shop_lines refers to store_things, a table of plugin store",
    ]
    assert store == "store:"


SHELF = """
from pathlib import Path
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.migrations import plugin_migrations

@hookimpl
def register_migrations():
    return plugin_migrations("shelf", Path(__file__).parent / "migrations")
"""
SHELF_MODELS = """
from autonomy_core.plugin_api.models import Base, Identified

class Book(Identified, Base):
    __tablename__ = "{table}"
"""


def more_of_the_shelf(table):
    return f"""
class {table.title()}(Identified, Base):
    __tablename__ = "{table}"
"""


SHELF_ALONE = """
from autonomy_core.cli.commands import autonomy
from autonomy_core.cli.context import CliContext
from autonomy_core.kernel.manager import Plugins

context = CliContext()
context.plugins = Plugins.from_entry_points(["shelf"])
autonomy(obj=context)
"""
SHELF_REVISION = """
revision, down_revision = "0001", None

def upgrade():
    op.create_table("shelf_books")
"""


@pytest.fixture
def shelf(tmp_path):
    """Run ``autonomy`` where a plugin is installed whose ``plugin.py`` does not import its models.

    It runs in its own process, because models are registered globally.
    """
    (tmp_path / "shelf" / "migrations").mkdir(parents=True)
    for name, text in {"__init__": "", "plugin": SHELF, "migrations/__init__": ""}.items():
        (tmp_path / "shelf" / f"{name}.py").write_text(text)
    info = tmp_path / "shelf-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[autonomy.plugins]\nshelf = shelf.plugin\n")

    def run(*arguments, models, program="from autonomy_core.cli.commands import main; main()"):
        (tmp_path / "shelf" / "models.py").write_text(models)
        command = [sys.executable, "-c", program]
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
        return subprocess.run(
            [*command, "plugins", *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path
        )

    return run


@pytest.mark.processes
def test_a_revision_has_the_models_that_plugin_py_does_not_import(shelf, tmp_path):
    done = shelf("revision", "shelf", "Books", models=SHELF_MODELS.format(table="shelf_books"))
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "shelf" / "migrations" / "0001_books.py").read_text()
    assert "op.create_table('shelf_books'" in written.replace('"', "'")


@pytest.mark.processes
def test_the_check_finds_what_is_wrong_with_the_tables_of_models(shelf, tmp_path):
    (tmp_path / "shelf" / "migrations" / "0001_books.py").write_text(SHELF_REVISION)
    models = SHELF_MODELS.format(table="shelf_books")
    models += more_of_the_shelf("books") + more_of_the_shelf("shelf_loans")
    done = shelf("check", models=models, program=SHELF_ALONE)
    assert done.returncode == 1, done.stderr
    assert "its table 'books' has to be called shelf_…" in done.stdout
    assert "its models define shelf_loans, and no migration names it; run: autonomy plugins" in done.stdout
    assert "shelf_books" not in done.stdout


def test_a_command_in_a_problem_has_the_given_ini_file(bare, monkeypatch):
    told = "its tables are missing; run: autonomy migrate"
    monkeypatch.setattr("autonomy_core.cli.plugins.problems_of", lambda *_: [told])
    result = bare.run("plugins", "check")
    assert f"run: autonomy --config {bare.ini} migrate" in result.stdout


@pytest.mark.processes
def test_models_that_cannot_be_imported_are_a_problem(shelf):
    done = shelf("check", models="import no_such_module_anywhere\n")
    assert done.returncode == 1, done.stderr
    assert "shelf.models cannot be imported: ModuleNotFoundError: No module named 'no_such_" in done.stdout
