"""Mailers, templates and the outbox of the tests."""

from __future__ import annotations

from contextlib import contextmanager

from sqlalchemy import select, update

from autonomy_core.db.base import utcnow
from autonomy_core.mail.models import MailMessage

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
        self.begin()

    def begin(self):
        """Forget the letters, and accept what comes."""
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


SETTINGS = {"mail": {"url": "post:", "from": "shop@acme.example"}}


def stored(application):
    """Return the mail of the organisation, oldest first."""
    with application.scope() as scope:
        return list(scope.session.scalars(select(MailMessage).order_by(MailMessage.id)))


def make_due(application):
    """Let all mail that waits be due now."""
    with application.scope() as scope:
        waiting = update(MailMessage).where(MailMessage.status.in_(["queued", "sending"]))
        scope.session.execute(waiting.values(due_at=utcnow()))
