"""An organisation with kinds of mail, and a mailer that answers as a test wants."""

from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType

import pytest
from sqlalchemy import select, update

from autonomy_core.db.base import utcnow
from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.mail.models import MailMessage
from autonomy_core.testing import stand_ins

TEXTS = "tests.support.writing"
SAMPLE = {"title": "First Light", "token": "sample", "library_url": "https://acme.example/library"}


class Post:
    """A mailer that keeps what it is given, and answers with what a test has set.

    Attributes:
        letters: the letters that were handed over, with the connection of each.
        outcomes: exceptions to raise for the next letters; None accepts one.
        closed: an exception to raise when a connection is opened.
    """

    name = "post"

    def __init__(self):
        self.letters = []
        self.outcomes = []
        self.closed = None
        self.connections = 0

    @contextmanager
    def connect(self, account):
        if self.closed is not None:
            raise self.closed
        self.connections += 1
        yield self

    def deliver(self, letter):
        self.letters.append((self.connections, letter))
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        return "250 2.0.0 queued"


class Thanks:
    """The kind of mail ``writing.thanks``, whose preparation a test sets."""

    def __init__(self):
        self.values = {}
        self.outcome = None

    def prepare(self, scope, mail):
        if self.outcome is not None:
            raise self.outcome
        return self.values


@pytest.fixture(scope="session")
def _writing():
    """A plugin with a hook that each test sets."""
    from autonomy_core.plugin_api.hooks import hookimpl

    module = ModuleType("writing.plugin")
    module.hook = None

    @hookimpl
    def on_mail_sending(event):
        if module.hook is not None:
            module.hook(event)

    module.on_mail_sending = on_mail_sending
    return module


@pytest.fixture(scope="module")
def autonomy_plugins(_writing):
    return Plugins({"writing": _writing, stand_ins.NAME: stand_ins})


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def thanks():
    return Thanks()


@pytest.fixture
def with_post(post, thanks, _writing):
    """Set an application up with the mailer, the kinds of mail, and an organisation that uses them."""

    @contextmanager
    def arranged(application):
        before = application.runtime
        templates = [
            MailTemplate("writing.thanks", TEXTS, sample=SAMPLE, prepare=thanks.prepare),
            MailTemplate("writing.news", TEXTS, bulk=True),
        ]
        application.runtime = replace(
            before,
            mailers={**before.mailers, post.name: post},
            mail_templates={**before.mail_templates, **{each.name: each for each in templates}},
        )
        application.organisation("acme", plugins=("writing", stand_ins.NAME), settings=SETTINGS)
        yield application
        application.runtime, _writing.hook = before, None

    return arranged


SETTINGS = {"mail": {"url": "post:", "from": "shop@acme.example"}}


@pytest.fixture
def acme(autonomy, with_post):
    with with_post(autonomy) as arranged:
        yield arranged


@pytest.fixture
def hook(_writing):
    """Set the plugin's implementation of ``on_mail_sending``."""
    return lambda function: setattr(_writing, "hook", function)


def stored(application):
    """Return the mail of the organisation, oldest first."""
    with application.scope() as scope:
        return list(scope.session.scalars(select(MailMessage).order_by(MailMessage.id)))


def make_due(application):
    """Let all mail that waits be due now."""
    with application.scope() as scope:
        waiting = update(MailMessage).where(MailMessage.status.in_(["queued", "sending"]))
        scope.session.execute(waiting.values(due_at=utcnow()))
