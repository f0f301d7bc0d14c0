"""A request for a mail tells no stranger whether an address has an account (OWASP WSTG, enumeration).

The request only puts a mail into the outbox. The worker decides later whether it is sent.
"""

import statistics
import time

import psycopg
import pytest

from tests.functional.customer_auth.mailing import ADA, EVE, customer

CALLS = ["password/forgotten", "sign-in", "library-link"]
TRIES = 100
"""For a known and for an unknown address each."""


@pytest.fixture
def open_shop(make_shop):
    """A shop without limits, where Ada has an account and Eve has none."""
    shop = make_shop(mails_per_email=1000, mails_per_address=100_000, proof_of_work="never")
    customer(shop, ADA)
    return shop


@pytest.fixture
def statements(open_shop, monkeypatch):
    """The statements that the driver executed, also without SQLAlchemy, and without their values."""
    executed, execute = [], psycopg.Cursor.execute

    def look(cursor, query, *args, **options):
        sql = query.decode() if isinstance(query, bytes) else str(query)
        if "SAVEPOINT" not in sql:  # of the test's database, with a number in each
            executed.append(sql)
        return execute(cursor, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", look)
    return executed


def ask(shop, call, email):
    return shop.post(call, {"email": email}, 202)


@pytest.mark.parametrize("call", CALLS)
def test_the_answer_for_an_unknown_address_is_the_same(open_shop, call):
    answers = [ask(open_shop, call, email) for email in (ADA, EVE)]
    for answer in answers:
        answer.headers.pop("X-Request-ID")
    known, unknown = answers
    assert known.status == unknown.status
    assert dict(known.headers) == dict(unknown.headers)
    assert len(known.body) == len(unknown.body)
    if call == "sign-in":
        assert set(known.json) == set(unknown.json) == {"flow"}
    else:
        assert known.body == unknown.body == b""


@pytest.mark.parametrize("call", CALLS)
def test_the_statements_for_an_unknown_address_are_the_same(open_shop, statements, call):
    ask(open_shop, call, EVE)
    executed = []
    for email in (ADA, EVE):
        statements.clear()
        ask(open_shop, call, email)
        executed.append(list(statements))
    known, unknown = executed
    assert known == unknown
    assert any("rate_counts" in sql for sql in known)
    assert not any("FROM customers" in sql for sql in known)


def test_a_mail_that_is_not_sent_is_queued_like_one_that_is(open_shop):
    """The difference begins in the worker, which no client can watch."""
    for email in (ADA, EVE):
        ask(open_shop, "password/forgotten", email)
    assert [job["task_name"] for job in open_shop.autonomy.jobs(with_mail=True)].count("mail.deliver") >= 2
    open_shop.autonomy.run_jobs()
    sent = [message["To"] for message in open_shop.autonomy.mailbox()]
    assert EVE not in sent
    assert ADA in sent


def test_two_hundred_answers_take_the_same_time(open_shop):
    """The rank sum of the times of known and unknown addresses (Mann and Whitney)."""
    times = []
    for _ in range(TRIES):
        for email in (ADA, EVE):
            begun = time.perf_counter()
            ask(open_shop, "password/forgotten", email)
            times.append((time.perf_counter() - begun, email))
    assert abs(deviation(times)) < 4
    known, unknown = ([taken for taken, email in times if email == each] for each in (ADA, EVE))
    assert statistics.median(known) == pytest.approx(statistics.median(unknown), rel=0.25)


def test_two_hundred_refused_logins_take_the_same_time(make_shop):
    """With the cheap hash of tests, which hides less of a difference than a slow one."""
    shop = make_shop(
        failed_logins_per_email=1000,
        failed_logins_per_email_and_address=1000,
        failed_logins_per_address=100_000,
        proof_of_work="never",
    )
    shop.register(ADA)
    times = []
    for _ in range(TRIES):
        for email in (ADA, EVE):
            begun = time.perf_counter()
            shop.login(email, "another engine", 401)
            times.append((time.perf_counter() - begun, email))
    assert abs(deviation(times)) < 4


def deviation(times):
    """By how many standard deviations the rank sum of the first address differs from chance."""
    ranks = sum(rank for rank, (_, email) in enumerate(sorted(times), start=1) if email == ADA)
    expected = TRIES * (2 * TRIES + 1) / 2
    return (ranks - expected) / (TRIES * TRIES * (2 * TRIES + 1) / 12) ** 0.5


def test_the_measure_finds_a_difference_of_a_tenth():
    base = [0.01 + number * 1e-5 for number in range(TRIES)]
    times = [(taken * 1.1, ADA) for taken in base] + [(taken, EVE) for taken in base]
    assert abs(deviation(times)) > 4


@pytest.mark.parametrize("call", CALLS)
def test_the_limit_of_an_unknown_address_is_the_same(make_shop, call):
    """Which address is full tells nothing, and a full one gets the usual answer."""
    shop = make_shop(mails_per_email=2, proof_of_work="never")
    customer(shop, ADA)
    answers = [[ask(shop, call, email).status_int for _ in range(4)] for email in (ADA, EVE)]
    assert answers == [[202] * 4] * 2
