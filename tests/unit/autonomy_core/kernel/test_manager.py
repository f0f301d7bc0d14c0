"""Plugins are loaded in the order of their names, and called only where they are enabled."""

from types import ModuleType

import pytest

from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.mail.backends.smtp import SmtpMailer
from autonomy_core.plugin_api import API_VERSION
from autonomy_core.plugin_api.currencies import in_major_unit
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.mail import MailTemplate
from autonomy_core.runtime import make_runtime
from autonomy_core.testing import stand_ins


def plugin(name, called, **implementations):
    module = ModuleType(f"{name}.plugin")

    @hookimpl
    def on_customer_registered(event):
        called.append((name, event))

    module.on_customer_registered = on_customer_registered
    for hook, function in implementations.items():
        setattr(module, hook, hookimpl(function))
    return module


@pytest.fixture
def called():
    return []


@pytest.fixture
def plugins(called):
    return Plugins({name: plugin(name, called) for name in ("middle", "alpha", "zulu")})


def test_implementations_run_in_the_order_of_plugin_names(plugins, called):
    plugins.hooks_for(("zulu", "alpha", "middle")).call("on_customer_registered", "event")
    assert called == [("alpha", "event"), ("middle", "event"), ("zulu", "event")]


def test_a_disabled_plugin_is_not_called(plugins, called):
    plugins.hooks_for(("zulu", "alpha")).call("on_customer_registered", "event")
    assert [name for name, _ in called] == ["alpha", "zulu"]


def test_a_hook_with_a_specname_is_disabled_with_its_plugin(called):
    module = ModuleType("renamed.plugin")
    module.welcome = hookimpl(specname="on_customer_registered")(lambda event: called.append(event))  # noqa: PLW0108 - pluggy reads the arguments' names
    plugins = Plugins({"renamed": module})
    plugins.hooks_for(()).call("on_customer_registered", "event")
    assert called == []
    plugins.hooks_for(("renamed",)).call("on_customer_registered", "event")
    assert called == ["event"]


def test_hooks_are_made_once_for_each_choice_of_plugins(plugins):
    first = plugins.hooks_for(("alpha",))
    assert plugins.hooks_for(("alpha",)) is first
    assert plugins.hooks_for(("zulu",)) is not first
    implementations = first.implementations("on_customer_registered")
    assert first.implementations("on_customer_registered") is implementations


def test_an_error_of_a_hook_reaches_the_caller_and_stops_the_rest(called):
    modules = {name: plugin(name, called) for name in ("alpha", "zulu")}
    modules["broken"] = ModuleType("broken.plugin")
    modules["broken"].on_customer_registered = hookimpl(lambda event: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Plugins(modules).hooks_for(tuple(modules)).call("on_customer_registered", "event")
    assert [name for name, _ in called] == ["alpha"]


def test_an_implementation_gets_those_arguments_that_it_asks_for(called):
    module = plugin("alpha", called, register_views=lambda: called.append("views"))
    Plugins({"alpha": module}).registered("register_views", config="a configurator")
    assert called == ["views"]


def test_an_unknown_argument_of_a_hook_is_refused_by_plugin_name():
    module = ModuleType("wrong.plugin")
    module.register_jobs = hookimpl(lambda surprise: [])
    with pytest.raises(PluginError, match=r"plugin wrong: (?s:.*)surprise"):
        Plugins({"wrong": module})


def test_an_implementation_of_no_hook_is_refused():
    module = ModuleType("typo.plugin")
    module.on_customer_registerd = hookimpl(lambda event: None)
    with pytest.raises(PluginError, match=r"plugin typo: .*on_customer_registerd"):
        Plugins({"typo": module})


def test_a_package_belongs_to_the_plugin_whose_package_it_is_within(plugins):
    assert plugins.of_package("alpha") == "alpha"
    assert plugins.of_package("alpha.views.deep") == "alpha"
    assert plugins.of_package("alphabet") is None
    assert plugins.of_package("autonomy_core.catalog") is None


def test_a_missing_plugin_is_named():
    with pytest.raises(PluginError, match="plugin nowhere: not installed"):
        Plugins.from_entry_points(["nowhere"])


class Named:
    """A product kind."""

    def __init__(self, name):
        self.name = name

    def obstacle_to_sale(self, scope, product_id): ...


class Source(WebhookSource):
    """A source of webhooks."""

    def __init__(self, name):
        self.name = name

    def verify(self, scope, body, signature): ...

    def handle(self, search, event_type, subject): ...


def runtime_with(tmp_path, **hooks):
    """The calls with which server, worker and command line start."""
    modules = {}
    for name, (hook, answer) in hooks.items():
        modules[name] = ModuleType(f"{name}.plugin")
        setattr(modules[name], hook, hookimpl(lambda answer=answer: answer))
    settings = {"autonomy.tenants": str(tmp_path), "autonomy.data": str(tmp_path / "data")}
    return make_runtime(settings, Plugins(modules))


@pytest.mark.processes
@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        (
            {"shop": ("register_jobs", [Job("shop.look", print), Job("shop.look", print)])},
            "plugin shop: its job 'shop.look' has the name of one of plugin shop's",
        ),
        (
            {"shop": ("register_jobs", [Job("payments.sweep", print)])},
            "plugin shop: its job 'payments.sweep' has the name of one of the core's",
        ),
        (
            {"shop": ("register_jobs", [Job("store.look", print)])},
            "plugin shop: its job 'store.look' must be called shop.",
        ),
        (
            {
                "shop": ("register_jobs", [Job("shop.a.b", print)]),
                "shop.a": ("register_jobs", [Job("shop.a.b", print)]),
            },
            "plugin shop.a: its job 'shop.a.b' has the name of one of plugin shop's",
        ),
        (
            {
                "shop": ("register_product_kinds", [Named("mp3")]),
                "store": ("register_product_kinds", [Named("mp3")]),
            },
            "plugin store: its product kind 'mp3' has the name of one of plugin shop's",
        ),
        (
            {"shop": ("register_product_kinds", [Named("bundle")])},
            "plugin shop: its product kind 'bundle' has the name of one of the core's",
        ),
        (
            {"shop": ("register_payment_provider", stand_ins.PretendedPayments())},
            "plugin shop: its payment provider calls itself 'stand_ins'",
        ),
        (
            {
                "shop": ("register_webhook_sources", [Source("post")]),
                "store": ("register_webhook_sources", [Source("post")]),
            },
            "plugin store: its webhook source 'post' has the name of one of plugin shop's",
        ),
        (
            {"shop": ("register_webhook_sources", [Source("Post/Office")])},
            "plugin shop: its webhook source 'Post/Office' has to be called by lower-case letters",
        ),
        (
            {"shop": ("register_mailers", [SmtpMailer()])},
            "plugin shop: its mailer 'smtp' has the name of one of the core's",
        ),
        (
            {"shop": ("register_mail_templates", [MailTemplate("mail.test", "shop")])},
            "plugin shop: its mail template 'mail.test' has the name of one of the core's",
        ),
        ({"mail": ("register_jobs", [])}, "plugin mail: [mail] is a section of the core"),
    ],
)
def test_a_name_conflict_stops_every_process_and_names_both(tmp_path, hooks, says):
    with pytest.raises(PluginError) as refused:
        runtime_with(tmp_path, **hooks)
    assert says in str(refused.value)


@pytest.mark.parametrize("wanted", [API_VERSION, (API_VERSION[0], 0)])
def test_a_plugin_whose_minimum_is_met_is_loaded(called, wanted):
    module = plugin("shop", called)
    module.MINIMUM_API = wanted
    assert Plugins({"shop": module}).names == ("shop",)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (
            (API_VERSION[0], 999),
            r"it needs version \d\.999 of the plugin API, and this server has .* a newer autonomy-server",
        ),
        ((API_VERSION[0] + 1, 0), r"it needs version \d\.0 .* a newer autonomy-server"),
        ((0, 9), r"it needs version 0\.9 .* an older autonomy-server"),
        ("1.0", "write two numbers"),
        ((1,), "write two numbers"),
    ],
)
def test_a_plugin_for_another_api_version_is_refused_by_name(called, wanted, says):
    module = plugin("shop", called)
    module.MINIMUM_API = wanted
    with pytest.raises(PluginError, match=f"plugin shop: .*{says}"):
        Plugins({"shop": module})


@pytest.mark.parametrize(
    ("amount", "currency", "text"), [(1250, "eur", "12.50"), (1250, "jpy", "1250"), (1250, "kwd", "1.250")]
)
def test_an_amount_has_the_decimal_places_of_its_currency(amount, currency, text):
    assert str(in_major_unit(amount, currency)) == text
