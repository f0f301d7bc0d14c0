"""What a customer does with mail: reads it, follows its link, types its code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import text, update

from autonomy_core.plugin_api.customers import add_guest, find_customer_by_email
from customer_auth.challenges.mails import MailKind
from customer_auth.challenges.models import Challenge
from customer_auth.models import LoginSession
from customer_auth.sessions.clients import Client
from customer_auth.sessions.methods import Method
from customer_auth.sessions.services import open_session

ADA, EVE = "ada@example.org", "eve@example.org"
LINK = re.compile(r"https?://[^\s\"<>]+#purpose=\w+&token=[\w-]+")
CODE = re.compile(r"\b[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}\b")


@dataclass
class Letter:
    """A mail that has arrived."""

    message: EmailMessage

    @property
    def to(self):
        return self.message["To"]

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def link(self):
        (link,) = set(LINK.findall(self.text))
        return link

    @property
    def page(self):
        return self.link.partition("#")[0]

    @property
    def purpose(self):
        return self._in_fragment("purpose")

    @property
    def token(self):
        return self._in_fragment("token")

    @property
    def code(self):
        (code,) = set(CODE.findall(self.text))
        return code

    def _in_fragment(self, name):
        (value,) = parse_qs(urlsplit(self.link).fragment)[name]
        return value


class Post:
    """The mail of a shop.

    Attributes:
        shop: the shop, see conftest.
        templates: the kinds of mail that the test is about.
    """

    def __init__(self, shop, *more):
        self.shop = shop
        self.templates = [
            *(kind.template for kind in MailKind),
            "payments.receipt",
            "staff.invitation",
            *more,
        ]
        self._read = 0

    def arrived(self):
        """The mail of these kinds that have arrived since the last call."""
        self.shop.autonomy.run_jobs(self.shop.id)
        found = self.shop.autonomy.mailbox()
        new, self._read = found[self._read :], len(found)
        wanted = self._message_ids()
        return [Letter(message) for message in new if message["Message-ID"] in wanted]

    def _message_ids(self):
        query = text("SELECT message_id FROM mail_messages WHERE template = ANY(:templates)")
        with self.shop.autonomy.scope(self.shop.id) as scope:
            return set(scope.session.scalars(query, {"templates": self.templates}))

    def one(self):
        """The only mail that has arrived since the last call."""
        (letter,) = self.arrived()
        return letter


def customer(shop, email=ADA, *, guest=False):
    """An account without a password, or a guest."""
    if not guest:
        return shop.autonomy.customer(shop.id, email)
    with shop.autonomy.scope(shop.id) as scope:
        return add_guest(scope, email, "Ada")


def bearer(shop, customer_id):
    """The headers of a new login of a customer."""
    with shop.autonomy.scope(shop.id) as scope:
        tokens = open_session(
            scope, UUID(str(customer_id)), methods=[Method.MAIL], client=Client("192.0.2.1")
        )
    return {"Authorization": f"Bearer {tokens.access_token}"}


def old_bearer(shop, customer_id):
    """The headers of a login of a customer who has authenticated an hour ago."""
    with shop.autonomy.scope(shop.id) as scope:
        tokens = open_session(
            scope, UUID(str(customer_id)), methods=[Method.MAIL], client=Client("192.0.2.1")
        )
        earlier = LoginSession.authenticated_at - timedelta(hours=1)
        scope.session.execute(update(LoginSession).values(authenticated_at=earlier))
    return {"Authorization": f"Bearer {shop.refresh(tokens.refresh_token).json['access_token']}"}


def verify_address(shop, customer_id, post):
    """Verify the address of a customer."""
    headers = bearer(shop, customer_id)
    shop.post("email/verification", {}, 202, headers)
    shop.post("email/verify", {"token": post.one().token}, 200, headers)


def row_of(shop, email):
    """The row of the account with an address; None without one."""
    with shop.autonomy.scope(shop.id) as scope:
        return find_customer_by_email(scope, email)


def let_pass(shop, by: timedelta):
    """Move the times of all challenges into the past."""
    with shop.autonomy.scope(shop.id) as scope:
        moved = {"created_at": Challenge.created_at - by, "expires_at": Challenge.expires_at - by}
        scope.session.execute(update(Challenge).values(moved))
