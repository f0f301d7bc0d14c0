"""A callback of a plugin that could never take effect is refused when the plugin is loaded."""

import functools
import inspect
import typing
from collections.abc import Sequence
from contextlib import contextmanager
from types import ModuleType

import click
import pytest
from marshmallow import Schema

from autonomy_core.kernel import answers, events, hookspecs, mail, pages, protocols, webhooks
from autonomy_core.kernel.answers import ANSWERS
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.plugin_api.checks import OrganisationCheck
from autonomy_core.plugin_api.customers import PersonalData
from autonomy_core.plugin_api.files import FileArea, StoredFiles
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.images import ImageProcessor
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.mail import MailTemplate
from autonomy_core.plugin_api.media import MediaFormat
from autonomy_core.plugin_api.protocols import FileDelivery
from autonomy_core.plugin_api.security import Scope
from autonomy_core.testing.stand_ins import PretendedPayments, Thing


def load(hook="on_payment_completed", **attributes):
    module = ModuleType("shop.plugin")
    for name, value in attributes.items():
        setattr(module, name, value)
    return Plugins({"shop": module})


async def coroutine(event):
    """A hook that is a coroutine function; the server would not await it."""


async def async_generator(event):
    yield event


def generator(event):
    yield event


def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments, **named):
        return function(*arguments, **named)

    return wrapper


class Callable:
    async def __call__(self, event): ...


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (coroutine, "an async function"),
        (async_generator, "an async generator function"),
        (generator, "a generator function"),
        (logged(coroutine), "an async function"),
        (logged(logged(generator)), "a generator function"),
    ],
    ids=["async", "async generator", "generator", "decorated async", "twice decorated generator"],
)
@pytest.mark.parametrize("hook", ["on_payment_completed", "on_customer_registered"])
def test_a_hook_that_is_async_or_a_generator_is_refused(hook, function, kind):
    with pytest.raises(PluginError, match=rf"plugin shop: \w+\(\) is {kind}.*write a plain function"):
        load(**{hook: hookimpl(function)})


@pytest.mark.parametrize("hook", [hook for hook in ANSWERS if hook != "register_views"])
def test_a_register_hook_that_yields_is_refused(hook):
    def yields():
        yield None

    with pytest.raises(PluginError, match=r"plugin shop: .*generator function"):
        load(**{hook: hookimpl(yields)})


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapper_is_refused(option):
    with pytest.raises(
        PluginError, match=r"plugin shop: generator\(\) wraps .*without wrapper and hookwrapper"
    ):
        load(on_payment_completed=hookimpl(**{option: True})(generator))


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapper_that_does_not_yield_is_not_told_to_yield(option):
    def on_payment_completed(event): ...

    with pytest.raises(PluginError, match=r"on_payment_completed\(\) wraps .* and no yield$"):
        load(on_payment_completed=hookimpl(**{option: True})(on_payment_completed))


@pytest.mark.parametrize("options", [{}, {"optionalhook": True}])
def test_a_misspelt_hook_is_refused_with_the_name_that_was_meant(options):
    def on_payment_complete(event): ...

    with pytest.raises(
        PluginError, match=r"plugin shop: on_payment_complete\(\) .*mean 'on_payment_completed'\?"
    ):
        load(on_payment_complete=hookimpl(**options)(on_payment_complete))


@pytest.mark.parametrize("value", [functools.partial(print), Callable()], ids=["partial", "object"])
def test_a_marked_object_that_is_no_function_is_refused(value):
    with pytest.raises(PluginError, match=r"plugin shop: on_payment_completed is marked .* mark a function"):
        load(on_payment_completed=hookimpl(value))


def with_default(event=None): ...


def keyword_only(*, event): ...


@pytest.mark.parametrize("function", [with_default, keyword_only])
def test_a_hook_that_would_not_be_given_its_event_is_refused(function):
    with pytest.raises(
        PluginError, match=rf"plugin shop: {function.__name__}\(\) would never be given event"
    ):
        load(on_payment_completed=hookimpl(function))


def test_a_hook_may_leave_out_what_it_does_not_need():
    plugins = load(on_payment_completed=hookimpl(lambda: None))
    plugins.hooks_for(("shop",)).call("on_payment_completed", "event")


def hides(function):
    """A decorator that hides the signature of the function."""

    def wrapper(event):
        return function(event)

    return wrapper


@pytest.mark.parametrize(
    ("function", "returned"),
    [
        (hides(coroutine), "a coroutine"),
        (hides(async_generator), "an async generator"),
        (hides(generator), "a generator"),
        (lambda event: True, "a bool"),
        (lambda event: [], "a list"),
    ],
    ids=["coroutine", "async generator", "generator", "truth", "list"],
)
def test_a_hook_that_returns_something_fails_when_it_is_called(function, returned):
    plugins = load(on_payment_completed=hookimpl(function))
    with pytest.raises(PluginError, match=rf"plugin shop: on_payment_completed\(\) returned {returned}"):
        plugins.hooks_for(("shop",)).call("on_payment_completed", "event")


class Shapeless:
    name = "shapeless"


class AsyncKind(Thing):
    async def obstacle_to_sale(self, scope, product_id): ...


class KindWithoutScope(Thing):
    def obstacle_to_sale(self, product_id): ...


class NamelessKind(Thing):
    name = ""


class AsyncTracks(Thing):
    async def tracks_of(self, scope, product_ids): ...


class KindWithoutProduct(Thing):
    def has_something_to_deliver(self, scope): ...


class AsyncFinder(PretendedPayments):
    async def find(self, scope, reference): ...


class AsyncProvider(PretendedPayments):
    @functools.partialmethod
    async def refund(self, scope, order): ...


class YieldingProvider(PretendedPayments):
    def expire(self, scope, payment_id):
        yield


class AsyncFlush:
    name = "shop.plays"

    def waiting(self):
        yield "acme"

    async def write(self, scope): ...


class AsyncAuthenticator:
    async def identify(self, scope, request): ...


@pytest.mark.parametrize(
    ("hook", "answer", "says"),
    [
        ("register_settings", Schema, "returned a SchemaMeta; it has to return a PluginSettings"),
        ("register_settings", None, "returned None; it has to return a PluginSettings"),
        ("register_migrations", "migrations", "it has to return a Migrations"),
        ("register_views", "done", "returned a str; it has to return None"),
        ("register_payment_provider", PretendedPayments, "is the class PretendedPayments; give an instance"),
        ("register_payment_provider", Shapeless(), r"has no method environment\(organisation\)"),
        ("register_payment_provider", AsyncProvider(), r"refund\(\) that is an async function"),
        ("register_payment_provider", YieldingProvider(), r"expire\(\) that is a generator function"),
        (
            "register_product_kinds",
            Thing(),
            "returned a Thing; it has to return a list or tuple of ProductKind",
        ),
        ("register_product_kinds", [AsyncKind()], r"obstacle_to_sale\(\) that is an async function"),
        ("register_product_kinds", [KindWithoutScope()], r"does not take scope, product_id"),
        ("register_product_kinds", [NamelessKind()], "has no name"),
        ("register_product_kinds", [AsyncTracks()], r"tracks_of\(\) that is an async function"),
        (
            "register_product_kinds",
            [KindWithoutProduct()],
            r"has_something_to_deliver\(\) that does not take scope, product",
        ),
        ("register_payment_provider", AsyncFinder(), r"find\(\) that is an async function"),
        ("register_authenticators", [AsyncAuthenticator()], r"identify\(\) that is an async function"),
        ("register_jobs", None, "returned None; it has to return a list or tuple of Job"),
        ("register_jobs", {"shop.job": print}, "returned a dict"),
        ("register_jobs", ["shop.job"], "returned with a str"),
        ("register_commands", [print], "a list or tuple of Command"),
        ("register_checks", [print], "a list or tuple of OrganisationCheck"),
        ("register_flushes", [AsyncFlush()], r"write\(\) that is an async function"),
    ],
)
def test_a_register_hook_that_answers_something_else_is_refused(hook, answer, says):
    plugins = load(**{hook: hookimpl(lambda: answer)})
    with pytest.raises(PluginError, match=rf"plugin shop: {hook}\(\) .*{says}"):
        plugins.registered(hook, config=None)


def test_a_hook_that_returns_an_iterable_may_be_a_generator():
    class Plays(AsyncFlush):
        def write(self, scope): ...

    def check(scope):
        yield

    plugins = load(
        register_flushes=hookimpl(lambda: [Plays()]),
        register_checks=hookimpl(lambda: (OrganisationCheck("shop.check", check),)),
    )
    assert plugins.registered("register_flushes")
    assert plugins.registered("register_checks")


class Printer:
    name = "printer"

    @contextmanager
    def connect(self, account):
        yield


class Unfinished(Printer):
    def connect(self, account):
        yield


def test_a_mailer_connects_with_a_context_manager():
    plugins = load(register_mailers=hookimpl(lambda: [Printer()]))
    assert plugins.registered("register_mailers")
    unfinished = load(register_mailers=hookimpl(lambda: [Unfinished()]))
    with pytest.raises(PluginError, match=r"connect\(\) that is a generator function"):
        unfinished.registered("register_mailers")


def test_a_register_hook_that_raises_is_named():
    plugins = load(register_jobs=hookimpl(lambda: 1 / 0))
    with pytest.raises(
        PluginError, match=r"plugin shop: register_jobs\(\) raised ZeroDivisionError: division"
    ):
        plugins.registered("register_jobs")


async def job(scope): ...


def yields(scope):
    yield


@pytest.mark.parametrize("function", [job, yields, functools.partial(job), logged(yields), None])
def test_a_job_that_would_never_run_is_refused(function):
    with pytest.raises(TypeError, match=r"job shop\.job: "):
        Job("shop.job", function)


def test_a_periodic_job_that_wants_arguments_is_refused():
    with pytest.raises(TypeError, match=r"job shop\.job: .*a scope and nothing else"):
        Job("shop.job", lambda scope, customer_id: None, every=3600)


@pytest.mark.parametrize("function", [job, lambda: (), None])
def test_a_check_that_would_never_run_is_refused(function):
    with pytest.raises(TypeError, match=r"check shop\.check: "):
        OrganisationCheck("shop.check", function)


def erase(scope, customer_id): ...


def yields_of_two(scope, what):
    yield


async def coroutine_of_two(scope, what): ...


async def directory(settings): ...


@pytest.mark.parametrize("function", [yields_of_two, coroutine_of_two, logged(yields_of_two), len, None])
def test_an_erasure_that_would_never_run_is_refused(function):
    with pytest.raises(TypeError, match=r"personal data shop: erase is "):
        PersonalData("shop", yields_of_two, function)


@pytest.mark.parametrize("function", [yields_of_two, coroutine_of_two, len])
def test_a_mail_whose_values_would_never_come_is_refused(function):
    with pytest.raises(TypeError, match=r"mail template shop\.thanks: prepare is "):
        MailTemplate("shop.thanks", "shop", prepare=function)


def test_files_whose_place_would_never_come_are_refused():
    with pytest.raises(TypeError, match=r"files 'scores': directory is an async function"):
        StoredFiles("scores", directory)
    with pytest.raises(TypeError, match=r"files 'scores': make_storage is an async function"):
        FileArea(
            "scores", lambda settings: settings.data, plugin="shop", suffix=".pdf", make_storage=directory
        )


def test_an_export_may_be_a_generator():
    assert PersonalData("shop", yields_of_two, erase).export is yields_of_two


def test_settings_that_are_no_schema_are_refused():
    with pytest.raises(TypeError, match=r"organisation=.*SettingsSchema"):
        PluginSettings(organisation=Schema())


def specified(hook):
    """The return annotation of a hook, resolved."""
    modules = (events, mail, pages, protocols, webhooks)
    names = {name: each for module in modules for name, each in vars(module).items()}
    names |= {"click": click, "Job": Job, "Scope": Scope, "Sequence": Sequence}
    names |= {
        "OrganisationCheck": OrganisationCheck,
        "PersonalData": PersonalData,
        "PluginSettings": PluginSettings,
        "FileDelivery": FileDelivery,
        "ImageProcessor": ImageProcessor,
        "MediaFormat": MediaFormat,
        "StoredFiles": StoredFiles,
        "Migrations": answers.pkgutil.resolve_name(ANSWERS["register_migrations"].of),
    }
    return eval(inspect.signature(getattr(hookspecs, hook)).return_annotation, names)


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith(("on_", "register_"))])
def test_the_checked_types_are_those_of_the_hook_specification(hook):
    expected = ANSWERS.get(hook)
    annotation = specified(hook)
    if expected is None:
        assert annotation is None
    elif expected.many:
        assert typing.get_origin(annotation) is Sequence
        assert typing.get_args(annotation) == (answers.pkgutil.resolve_name(expected.of),)
    else:
        assert annotation is answers.pkgutil.resolve_name(expected.of)
