"""What is heard waits in memory, and no customer fills it alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

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
