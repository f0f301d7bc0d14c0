"""What is heard waits in memory, and no customer fills it alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from media_mp3.listening import memory
from media_mp3.listening.memory import MOST_OF_CUSTOMER, Listening

ADA, BOB, TRACK = UUID(int=1), UUID(int=2), UUID(int=3)
THEN = datetime(2026, 5, 1, tzinfo=UTC)


def flood(listening, customer_id, first=0):
    for second in range(first, first + MOST_OF_CUSTOMER + 5):
        listening.played("acme", customer_id, TRACK, THEN + timedelta(seconds=second))


def test_one_customer_leaves_room_for_the_others():
    listening = Listening()
    flood(listening, ADA)
    flood(listening, ADA)
    listening.stopped("acme", ADA, TRACK, 100)
    listening.played("acme", BOB, TRACK, THEN)
    listening.stopped("acme", BOB, TRACK, 100)
    listening.stopped("acme", BOB, TRACK, 200)

    waiting = listening._waiting["acme"]
    assert waiting.of_customer == {ADA: MOST_OF_CUSTOMER, BOB: 2}
    assert len(waiting.plays) == MOST_OF_CUSTOMER + 1
    assert [place[0] for place in waiting.positions.values()] == [200]


def test_what_could_not_be_written_still_takes_its_room():
    listening = Listening()
    flood(listening, ADA)
    with pytest.raises(AttributeError):
        listening.write(SimpleNamespace(organisation=SimpleNamespace(id="acme")))
    flood(listening, ADA, first=10_000)

    assert len(listening._waiting["acme"].plays) == MOST_OF_CUSTOMER


def test_however_long_the_database_is_away_the_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(memory, "MOST_WAITING", 10)
    listening = Listening()

    def collect(first):
        for number in range(first, first + 10):
            listening.played("acme", UUID(int=number), TRACK, THEN)
            listening.stopped("acme", UUID(int=number), TRACK, 100)
            listening.begun("acme", UUID(int=number), "stream")

    def collect_and_fail(*_):
        collect(100)
        raise ConnectionError

    session = SimpleNamespace(execute=collect_and_fail)
    scope = SimpleNamespace(organisation=SimpleNamespace(id="acme"), session=session)
    collect(200)
    with capture_logs() as logged:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                listening.write(scope)

    waiting = listening._waiting["acme"]
    assert [len(waiting.plays), len(waiting.positions), len(waiting.begun)] == [10, 10, 10]
    assert {customer.int for customer in waiting.of_customer} <= {*range(100, 110)}
    assert [(entry["event"], entry["dropped"]) for entry in logged] == [("media_mp3.listening_dropped", 30)]


def test_of_two_positions_the_newer_one_is_kept_when_a_write_fails():
    listening = Listening()
    listening.stopped("acme", ADA, TRACK, 100)

    def go_on_and_fail(*_):
        listening.stopped("acme", ADA, TRACK, 200)
        raise ConnectionError

    session = SimpleNamespace(execute=go_on_and_fail)
    with pytest.raises(ConnectionError):
        listening.write(SimpleNamespace(organisation=SimpleNamespace(id="acme"), session=session))
    assert [place[0] for place in listening._waiting["acme"].positions.values()] == [200]
