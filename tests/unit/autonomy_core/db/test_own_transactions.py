"""Retries of a service's own transaction."""

import psycopg
import pytest
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from sqlalchemy.exc import IntegrityError, OperationalError

from autonomy_core.db.own_transactions import ATTEMPTS, trying_again

WRAPPED = OperationalError("UPDATE", None, DeadlockDetected())


class Work:
    """Raise the given errors, one per call, and then return 7."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.attempts = 0

    def __call__(self):
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return 7


@pytest.mark.parametrize("error", [DeadlockDetected(), SerializationFailure(), WRAPPED])
def test_a_transaction_that_collides_is_retried(error):
    work = Work(error, error)
    assert (trying_again(work), work.attempts) == (7, 3)


def test_a_transaction_that_always_collides_is_given_up():
    work = Work(*[DeadlockDetected()] * ATTEMPTS)
    with pytest.raises(DeadlockDetected):
        trying_again(work)
    assert work.attempts == ATTEMPTS


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("the connection is lost"),
        OperationalError("UPDATE", None, psycopg.OperationalError("the connection is lost")),
        IntegrityError("INSERT", None, UniqueViolation()),
        LookupError(),
    ],
)
def test_a_transaction_that_fails_otherwise_is_not_retried(error):
    work = Work(error)
    with pytest.raises(type(error)):
        trying_again(work)
    assert work.attempts == 1
