"""The resource tree is built at start-up; a plugin with a conflicting node or view stops the start."""

from types import ModuleType

import pytest
from pyramid.exceptions import ConfigurationError

from autonomy_core.app import make_app
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.operations import PUBLIC, Operation
from autonomy_core.plugin_api.resources import ApiV1, Customers, Products, Resource
from autonomy_core.runtime import make_runtime

pytestmark = pytest.mark.processes


class One(Resource):
    """A node."""


class Other(Resource):
    """Another node."""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start an application without database, with these ``register_views`` functions of plugins."""

    def start(**register_views):
        modules = {}
        for name, function in register_views.items():
            module = modules[name] = ModuleType(f"{name}.plugin")
            function.__module__ = module.__name__
            module.register_views = hookimpl(function)
            monkeypatch.setitem(__import__("sys").modules, name, ModuleType(name))
            monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
        (tmp_path / "tenants").mkdir()
        settings = {"autonomy.tenants": str(tmp_path / "tenants"), "autonomy.data": str(tmp_path / "data")}
        runtime = make_runtime(settings, Plugins(modules))
        try:
            return make_app(runtime)
        finally:
            runtime.close()

    return start


def hangs(name, node, parent=ApiV1):
    return lambda config: config.add_child(parent, name, node)


def test_a_plugin_s_node_is_hung_under_its_name(start):
    app = start(shop=hangs("things", One))
    child = app.registry.children[ApiV1]["things"]
    assert (child.factory, child.plugin) == (One, "shop")


def test_two_plugins_that_want_one_name_are_a_conflict(start):
    with pytest.raises(PluginError, match="things"):
        start(shop=hangs("things", One), store=hangs("things", Other))


def test_a_plugin_that_wants_one_of_the_core_s_names_is_a_conflict(start):
    with pytest.raises(PluginError, match="products"):
        start(shop=hangs("products", One))


def test_a_plugin_that_wants_one_of_the_core_s_views_is_a_conflict(start):
    def view(config):
        operation = Operation(Products, "GET", "", "Mine instead", PUBLIC)
        config.add_operation(operation, lambda context, request: None)

    with pytest.raises(PluginError):
        start(shop=view)


def test_one_name_on_two_parents_is_no_conflict(start):
    start(shop=hangs("things", One), store=hangs("things", One, Customers))


def test_two_plugins_that_want_one_view_are_a_conflict(start):
    def view(config):
        operation = Operation(ApiV1, "GET", "mine", "Mine", PUBLIC)
        config.add_operation(operation, lambda context, request: None)

    def the_same(config):
        view(config)

    with pytest.raises(PluginError):
        start(shop=view, store=the_same)


@pytest.mark.parametrize("node", [object, "things", None])
def test_a_class_that_is_no_resource_cannot_be_a_node(start, node):
    with pytest.raises(ConfigurationError, match="is not a Resource class"):
        start(shop=hangs("things", node))


async def waits(context, request):
    """Never runs."""


def yields(context, request):
    yield


class Waits:
    def __init__(self, context, request): ...

    async def __call__(self): ...

    async def look(self): ...


@pytest.mark.parametrize("view", [waits, yields, Waits])
def test_a_view_that_would_never_run_is_refused_by_name(start, view):
    with pytest.raises(ConfigurationError, match=rf"view .*{view.__name__} is an? .*function"):
        start(shop=lambda config: config.add_operation(Operation(ApiV1, "GET", "mine", "Mine", PUBLIC), view))


def test_a_view_s_method_that_would_never_run_is_refused_by_name(start):
    with pytest.raises(ConfigurationError, match=r"view .*Waits is an async function"):
        start(shop=lambda config: config.add_view(Waits, attr="look", context=ApiV1, name="mine"))


def test_an_error_of_register_views_names_the_plugin(start):
    with pytest.raises(PluginError, match=r"plugin shop: register_views\(\) raised ZeroDivisionError"):
        start(shop=lambda config: 1 / 0)
