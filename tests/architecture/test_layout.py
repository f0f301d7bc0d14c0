"""Rules about the layout of the source code."""

import ast
import configparser
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "autonomy_core"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "plugin.py").exists())
EXAMPLES = sorted((ROOT / "examples").glob("*/src/*/plugin.py")) + sorted(
    (ROOT / "examples").glob("*/*/plugin.py")
)
STRANGERS = [path.parent for path in EXAMPLES]
REQUIRED = {
    "__init__.py",
    "domain.py",
    "migrations",
    "models.py",
    "plugin.py",
    "schemas.py",
    "services.py",
    "settings.py",
    "views.py",
}
OPTIONAL = {
    "README.md",
    "commands.py",
    "errors.py",
    "jobs.py",
    "locale",
    "mail",
    "personal_data.py",
    "resources.py",
    "static",
    "templates",
    "testing.py",
}
OWN_MODULES = {
    "customer_auth": {
        "challenges",
        "limits",
        "pages",
        "passkeys",
        "passwords",
        "providers",
        "second_factors",
        "sessions",
        "support",
    },
    "media_mp3": {
        "archives",
        "covers",
        "feeds",
        "editing.py",
        "extras",
        "inspection",
        "kind.py",
        "listening",
        "loudness",
        "masters",
        "mpeg",
        "previews",
        "renditions",
        "singles",
        "streaming.py",
        "subsonic",
        "tags",
    },
    "pdf_booklet": {"examination.py"},
    "stripe_payments": {"api", "balances", "checkout", "cli", "endpoints", "events", "reversals"},
}
"""What a plugin has beside the files that every plugin has: packages, and few modules."""
NOT_NEEDED = {
    "storefront": {"migrations", "models.py", "services.py"},
    "welcome_gift": {"domain.py", "migrations", "models.py", "schemas.py", "views.py"},
}
"""What a plugin leaves out, because it has no tables, no calls or no rules."""
DEFINED_ELSEWHERE = {
    "Base": {"autonomy_core/files/marks.py: UnreferencedFileMark"},  # abstract: a plugin makes the table
    "ApiSchema": {"autonomy_core/web/findings.py: FindingSchema", "autonomy_core/web/reading.py: NoQuery"},
}
"""The classes that are not in the module of their kind, by the base class."""
HTTP = {
    "app.py",
    "catalog/cover_documents.py",  # URLs of covers
    "catalog/kept/answering.py",  # a tween
    "catalog/showing.py",  # URLs of covers and previews
    "files/authenticator.py",
    "files/receiving.py",
    "files/responses.py",
    "idempotency/deriver.py",
    "images/urls.py",
    "kernel/hookspecs/registrations.py",
    "kernel/protocols.py",
    "security/api_keys.py",  # reads the key of a request
    "security/cors.py",
    "security/policy.py",
    "security/related_origins.py",
    "customer_auth/sessions/authenticator.py",
    "customer_auth/sessions/browsers.py",
    "customer_auth/sessions/requests.py",
    "media_mp3/streaming.py",
    "media_mp3/subsonic/files.py",
}
"""The modules of features and plugins that see a request, beside `HTTP_NAMES`. Services never do."""
HTTP_NAMES = {"plugin.py", "resources.py", "views.py"}
HTTP_PACKAGES = {"cli", "edge", "openapi", "operations", "pages", "plugin_api", "testing", "traversal", "web"}
OF_HTTP = ("pyramid", "webob", "autonomy_core.traversal", "autonomy_core.plugin_api.resources")
LONGEST_FILE = 350
LONGEST_FUNCTION = 45
LONGEST_TEST_NAME = 66


@pytest.fixture(scope="module", autouse=True)
def _forget_sources():
    yield
    nodes.cache_clear()


@cache
def sources(*roots):
    return [path for root in roots for path in sorted(root.rglob("*.py"))]


@cache
def nodes(path):
    """Every node of a file's syntax tree."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def imported(path):
    """The modules that a file imports, wherever in it."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (
                {node.module}
                if node.module != "autonomy_core"
                else {f"autonomy_core.{a.name}" for a in node.names}
            )


def imports_in_functions(path):
    """The line numbers of imports inside functions."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    bodies = [node for node in nodes(path) if isinstance(node, functions)]
    inner = (node for body in bodies for node in ast.walk(body))
    return {node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)}


def packages(root, prefix):
    for init in sorted(root.rglob("__init__.py")):
        yield ".".join((prefix, *init.parent.relative_to(root).parts))


@pytest.mark.parametrize("plugin", [*PLUGINS, *STRANGERS], ids=lambda path: path.name)
def test_a_plugin_imports_from_the_core_only_what_is_public(plugin):
    foreign = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(plugin)
        for name in imported(path)
        if name.split(".")[0] == "autonomy_core"
        and not name.startswith("autonomy_core.plugin_api")
        and not (path.name == "testing.py" and name.startswith("autonomy_core.testing"))
    }
    assert not foreign


def test_no_plugin_reads_the_runtime():
    reads = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(*PLUGINS, *STRANGERS)
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in {"runtime", "_runtime"}
    }
    assert not reads


def test_few_imports_are_inside_functions():
    files = sources(CORE, ROOT / "plugins")
    inside = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in imports_in_functions(path)]
    assert len(inside) <= len(files) * 5 / 100, sorted(inside)


@pytest.mark.parametrize("plugin", [*PLUGINS, *STRANGERS], ids=lambda path: path.name)
def test_every_plugin_has_the_same_shape(plugin):
    present = {path.name for path in plugin.iterdir() if path.name != "__pycache__"}
    own = OWN_MODULES.get(plugin.name, set())
    assert REQUIRED - present == NOT_NEEDED.get(plugin.name, set())
    assert present - REQUIRED - OPTIONAL == own, (
        "declare a new module in OWN_MODULES, or put it into a package"
    )


@pytest.mark.parametrize(
    ("base", "module"),
    [
        ("Base", "models"),
        ("Resource", "resources"),
        ("Collection", "resources"),
        ("ApiSchema", "schemas"),
        ("SettingsSchema", "settings"),
    ],
)
def test_a_kind_of_class_is_in_the_module_of_its_name(base, module):
    elsewhere = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources(CORE, *PLUGINS, *STRANGERS)
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(each, ast.Name) and each.id == base for each in node.bases)
        and module not in {path.stem, path.parent.name}
    }
    assert elsewhere == DEFINED_ELSEWHERE.get(base, set())


def test_a_view_is_in_a_module_of_views():
    elsewhere = {
        str(path.relative_to(ROOT))
        for path in sources(CORE, *PLUGINS, *STRANGERS)
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(("api_view", "page_view"))
        if path.stem != "views"
    }
    assert not elsewhere


def test_views_begin_no_transaction_and_build_no_statement():
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(CORE, *PLUGINS, *STRANGERS)
        if path.stem == "views"
        for node in nodes(path)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"))
        or (
            isinstance(node, ast.Attribute)
            and node.attr == "begin"
            and ast.unparse(node.value).endswith("scope")
        )
    }
    assert not found, "a service begins transactions and selects rows"


def test_only_modules_of_http_see_a_request():
    seen = set()
    for path in sources(CORE, *PLUGINS):
        inside = path.relative_to(CORE) if CORE in path.parents else path.relative_to(ROOT / "plugins")
        if path.name in HTTP_NAMES or inside.parts[0] in HTTP_PACKAGES:
            continue
        if any(f"{name}.".startswith(f"{each}.") for name in imported(path) for each in OF_HTTP):
            seen.add(inside.as_posix())
    assert seen == HTTP


def test_only_plugin_py_imports_pluggy():
    importing = {
        str(path.relative_to(ROOT))
        for path in sources(*PLUGINS, *STRANGERS)
        if any(name in {"pluggy", "autonomy_core.plugin_api.hooks"} for name in imported(path))
    }
    assert {Path(name).name for name in importing} == {"plugin.py"}


def test_every_package_is_in_the_distribution():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    listed = set(setup["options"]["packages"].split())
    present = set(packages(CORE, "autonomy_core"))
    for package in sorted(path.parent for path in (ROOT / "plugins").glob("*/__init__.py")):
        present |= set(packages(package, package.name))
    assert listed == present


def test_the_decision_on_floors_has_every_floor():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (floors,) = (each["layers"] for each in contracts if each["type"] == "layers")
    table = (ROOT / "docs" / "decisions" / "0035-floors.md").read_text("utf-8")
    rows = [line.split("|")[1:3] for line in table.splitlines() if re.match(r"\| \d", line)]
    written = {int(number): set(re.findall(r"`(\w+)`", names)) for number, names in rows}
    assert written == {len(floors) - place: set(floor.split(" | ")) for place, floor in enumerate(floors)}


def test_the_table_of_contents_names_modules():
    table = ast.get_docstring(ast.parse((CORE / "app.py").read_text("utf-8"))).split("====\n")[2]
    names = re.findall(r"^``([\w.]+)``", table, re.MULTILINE)
    assert len(names) > 5
    paths = [CORE.joinpath(*name.split(".")) for name in names]
    assert [path for path in paths if not (path.is_dir() or path.with_suffix(".py").exists())] == []


def test_files_and_functions_stay_readable():
    too_long = []
    for path in sources(CORE, ROOT / "plugins", ROOT / "demo"):
        text = path.read_text("utf-8")
        if text.count("\n") > LONGEST_FILE:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if (
                    length > LONGEST_FUNCTION
                    and "versions" not in path.parts
                    and "migrations" not in path.parts
                ):
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert not too_long


def test_names_of_tests_stay_readable():
    tests = {
        (node.name, f"{path.relative_to(ROOT)}:{node.lineno}")
        for path in sources(ROOT / "tests", ROOT / "examples", CORE / "testing", *PLUGINS)
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    assert len(tests) > 2000
    assert not {place for name, place in tests if len(name) > LONGEST_TEST_NAME}
    people = {"anybody", "everybody", "nobody", "somebody", "whoever"}
    assert not {place for name, place in tests if people & set(name.split("_"))}


def test_no_test_imports_from_a_test_module():
    importing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(ROOT / "tests")
        for name in imported(path)
        if any(part.startswith("test_") or part == "conftest" for part in name.split("."))
    }
    assert not importing, "move what tests share to tests/support or to a module beside them"


def test_every_model_of_the_core_is_in_the_metadata():
    from autonomy_core import models

    declared = {
        node.name
        for path in sources(CORE)
        if path.name == "models.py" and path.parent.name != "db"
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert declared <= set(models.__all__)
