"""Real processes, killed at bad moments: in the end there is one payment, and one grant."""

import psycopg
import pytest

from tests.faults.demonstration import remaining

pytestmark = pytest.mark.processes


def rows(places, statement):
    """What the database holds, seen by its owner."""
    url = places.database.url("autonomy").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


COMPLETED = "SELECT organisation_id, count(*) FROM payments WHERE status = 'completed' GROUP BY 1 ORDER BY 1"
GRANTED = "SELECT organisation_id, count(*) FROM grants WHERE revoked_at IS NULL GROUP BY 1 ORDER BY 1"


@pytest.mark.parametrize(
    ("moment", "victim"),
    [("/c/pay/", "serve"), ("pending", "worker")],
)
def test_a_demonstration_whose_part_is_killed_ends_the_second_time_with_one_payment_and_one_grant(
    places, demonstration, moment, victim
):
    first = demonstration()
    first.until(moment)
    first.kill_child(victim)
    first.end()
    assert remaining(places) == []

    second = demonstration()
    assert second.end() == 0, "".join(second.transcript)
    assert remaining(places) == []
    places.database.ensure_running()
    assert rows(places, COMPLETED) == [("harbour", 1), ("nightjar", 1)]
    assert rows(places, GRANTED) == [("harbour", 1), ("nightjar", 1)]


def test_each_whole_demonstration_shows_a_whole_purchase_by_a_customer_of_its_own(places, demonstration):
    shown = []
    for _ in range(2):
        whole = demonstration()
        assert whole.end() == 0, "".join(whole.transcript)
        shown.append("".join(whole.transcript))
    for transcript in shown:
        assert transcript.count("/register  201") == transcript.count("/purchase  201") == 2
        assert "409 Conflict" not in transcript
        assert "9. nightjar stays strictly apart" in transcript
    places.database.ensure_running()
    assert rows(places, COMPLETED) == [("harbour", 2), ("nightjar", 2)]
    assert rows(places, GRANTED) == [("harbour", 2), ("nightjar", 2)]
