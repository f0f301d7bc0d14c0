"""Hooks that break the rules: the payment and the other hooks' work stay; the hook is retried."""

import sys
from contextlib import suppress
from types import ModuleType

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.customers.models import Customer
from autonomy_core.grants.models import Grant
from autonomy_core.jobs.failures import described
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import HookRun
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins

# On a database of the test's own: what a commit or a rollback does is not seen within a test's own savepoint.
pytestmark = pytest.mark.concurrent


class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")


def quotes_a_nul(event):
    raise RuntimeError("not an MP3: \x00\x00")


def raises_what_cannot_be_printed(event):
    raise Speechless


def leaves_the_process(event):
    sys.exit(3)


def commits(event):
    event.scope.session.commit()


def commits_in_sql(event):
    event.scope.session.execute(text("COMMIT"))


def rolls_back(event):
    event.scope.session.rollback()


def closes(event):
    with event.scope.session:
        pass


def begins(event):
    with event.scope.session.begin():
        pass


def swallows_an_error_of_sql(event):
    with suppress(DBAPIError):
        event.scope.session.execute(text("SELECT 1 / 0"))


def swallows_an_error_of_the_flush(event):
    add_ada_again(event)
    with suppress(DBAPIError):
        event.scope.session.flush()


def add_ada_again(event):
    event.scope.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))


async def waits(event):
    event.grant(event.payment.product_id)


def yields(event):
    yield event.grant(event.payment.product_id)


def returns_something(event):
    return event.payment.id


UNRULY = [
    waits,
    yields,
    returns_something,
    quotes_a_nul,
    raises_what_cannot_be_printed,
    leaves_the_process,
    commits,
    commits_in_sql,
    rolls_back,
    closes,
    begins,
    swallows_an_error_of_sql,
    swallows_an_error_of_the_flush,
    add_ada_again,
]


@pytest.fixture(scope="module")
def chosen():
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(chosen):
    def grant(event):
        event.grant(event.payment.product_id)

    def grant_and_misbehave(event):
        grant(event)
        answers = [misbehave(event) for misbehave in chosen]
        return next((answer for answer in answers if answer is not None), None)

    hooks = {"a_friend": grant, "b_unruly": grant_and_misbehave, "c_friend": grant}
    return Plugins({stand_ins.NAME: stand_ins, **{name: plugin(name, hook) for name, hook in hooks.items()}})


def plugin(name, hook):
    module = ModuleType(f"{name}.plugin")
    module.on_payment_completed = hookimpl(hook)
    return module


def outcomes(autonomy):
    with autonomy.scope() as scope:
        return {run.plugin: run.outcome for run in scope.session.scalars(select(HookRun))}


@pytest.mark.parametrize("misbehave", UNRULY, ids=lambda hook: hook.__name__)
def test_an_unruly_hook_fails_alone_and_is_retried(committed, chosen, misbehave):
    committed.organisation("acme", plugins=(stand_ins.NAME, "a_friend", "b_unruly", "c_friend"))
    chosen[:] = [misbehave]
    payment = committed.buy(committed.customer(), committed.product())
    assert payment.status == "completed"
    assert outcomes(committed) == {"a_friend": "succeeded", "b_unruly": "failed", "c_friend": "succeeded"}
    assert [job["args"]["plugin"] for job in committed.jobs()] == ["b_unruly"]
    chosen.clear()
    assert committed.run_jobs() == []
    assert set(outcomes(committed).values()) == {"succeeded"}
    with committed.scope() as scope:
        assert len(list(scope.session.scalars(select(Grant)))) == 1


def test_a_hook_may_roll_back_its_own_savepoint(committed, chosen):
    def duplicate(event):
        with suppress(DBAPIError), event.scope.session.begin_nested():
            add_ada_again(event)

    committed.organisation("acme", plugins=(stand_ins.NAME, "b_unruly"))
    chosen[:] = [duplicate]
    committed.buy(committed.customer(), committed.product())
    assert outcomes(committed) == {"b_unruly": "succeeded"}


@pytest.mark.parametrize(
    ("error", "text_"),
    [
        (ValueError("half a \ud800"), r"ValueError: half a \ud800"),
        (ValueError("\x00"), r"ValueError: \x00"),
        (Speechless(), "Speechless"),
        (ValueError("x" * 10_000), "ValueError: " + "x" * 488),
    ],
)
def test_the_message_of_any_exception_can_be_stored(error, text_):
    assert described(error) == text_
