"""An organisation with kinds of mail, and a mailer that answers as a test wants."""

from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType

import pytest

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from tests.functional.mail.post import SAMPLE, SETTINGS, TEXTS, Post, Thanks


@pytest.fixture(scope="session")
def _writing():
    """A plugin with a mailer, and a hook that each test sets."""
    from autonomy_core.plugin_api.hooks import hookimpl

    module = ModuleType("writing.plugin")
    module.hook, module.post = None, Post()

    @hookimpl
    def register_mailers():
        return [module.post]

    @hookimpl
    def on_mail_sending(event):
        if module.hook is not None:
            module.hook(event)

    module.on_mail_sending, module.register_mailers = on_mail_sending, register_mailers
    return module


@pytest.fixture(scope="module")
def autonomy_plugins(_writing):
    return Plugins({"writing": _writing, stand_ins.NAME: stand_ins})


@pytest.fixture
def post(_writing):
    _writing.post.begin()
    return _writing.post


@pytest.fixture
def thanks():
    return Thanks()


@pytest.fixture
def with_post(post, thanks, _writing):
    """Set an application up with the kinds of mail, and an organisation that uses them and the mailer."""

    @contextmanager
    def arranged(application):
        before = application.runtime
        templates = [
            MailTemplate("writing.thanks", TEXTS, sample=SAMPLE, prepare=thanks.prepare),
            MailTemplate("writing.news", TEXTS, bulk=True),
        ]
        application.runtime = replace(
            before,
            mail_templates={**before.mail_templates, **{each.name: each for each in templates}},
        )
        application.organisation("acme", plugins=("writing", stand_ins.NAME), settings=SETTINGS)
        yield application
        application.runtime, _writing.hook = before, None

    return arranged


@pytest.fixture
def acme(autonomy, with_post):
    with with_post(autonomy) as arranged:
        yield arranged


@pytest.fixture
def hook(_writing):
    """Set the plugin's implementation of ``on_mail_sending``."""
    return lambda function: setattr(_writing, "hook", function)
