"""An organisation with customers, and a plugin that grants what is bought and remembers its events."""

from types import ModuleType

import pytest

from autonomy_core.customers.services import add_guest
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins

events = []


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


@hookimpl
def on_customer_verified(event):
    events.append(event)


@hookimpl
def on_customers_merged(event):
    events.append(event)


@hookimpl
def on_customer_updated(event):
    events.append(event)


@hookimpl
def on_grant_revoked(event):
    events.append(event)


WATCHING = ModuleType("watching.plugin")
WATCHING.on_payment_completed = on_payment_completed
WATCHING.on_customer_verified = on_customer_verified
WATCHING.on_customers_merged = on_customers_merged
WATCHING.on_grant_revoked = on_grant_revoked
WATCHING.on_customer_updated = on_customer_updated


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, "watching": WATCHING})


class Desk:
    """The customers of one organisation.

    Attributes:
        autonomy: the application.
        events: what the plugin's hooks were called with.
    """

    def __init__(self, autonomy):
        self.autonomy = autonomy
        self.events = events
        events.clear()
        autonomy.organisation("acme", plugins=(stand_ins.NAME, "watching"))

    def guest(self, email="ada@example.org", name="", **values):
        with self.autonomy.scope() as scope:
            return add_guest(scope, email, name, **values)

    def guest_who_bought(self, product=None, email="ada@example.org"):
        guest = self.guest(email)
        self.autonomy.buy(guest, product or self.autonomy.product())
        return guest

    def rows(self, statement):
        with self.autonomy.scope() as scope:
            return list(scope.session.scalars(statement))


@pytest.fixture
def desk(autonomy):
    return Desk(autonomy)
