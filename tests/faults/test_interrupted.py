"""Real processes, killed at critical moments: in the end there is one payment and one grant."""

import psycopg
import pytest

from tests.faults.demonstration import nothing_remains

pytestmark = pytest.mark.processes


def rows(places, statement):
    """The rows of the database, read by its owner."""
    url = places.database.url("autonomy").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


COMPLETED = "SELECT organisation_id, count(*) FROM payments WHERE status = 'completed' GROUP BY 1 ORDER BY 1"
GRANTED = "SELECT organisation_id, count(*) FROM grants WHERE revoked_at IS NULL GROUP BY 1 ORDER BY 1"


@pytest.mark.parametrize(
    ("moment", "victim"),
    [("/c/pay/", "server"), ("pending", "worker")],
)
@pytest.mark.usefixtures("stocked")
def test_a_killed_demonstration_continues_with_one_payment(places, demonstration, moment, victim):
    first = demonstration()
    first.until(moment)
    first.kill_child(victim)
    first.end()
    assert nothing_remains(places)

    second = demonstration()
    assert second.end() == 0, "".join(second.transcript)
    assert nothing_remains(places)
    places.database.ensure_running()
    assert rows(places, COMPLETED) == [("harbour", 2), ("nightjar", 1)]
    assert rows(places, GRANTED) == [("harbour", 2), ("nightjar", 1)]


def test_each_demonstration_has_a_purchase_by_a_new_customer(places, demonstration):
    shown = []
    for forked in (False, True):
        whole = demonstration(forked=forked)
        assert whole.end() == 0, "".join(whole.transcript)
        shown.append("".join(whole.transcript))
    for transcript in shown:
        assert transcript.count("/register  201") == 2
        assert transcript.count("/purchase  201") == 3
        assert "409 Conflict" not in transcript
        assert "17. nightjar stays strictly apart" in transcript
    places.database.ensure_running()
    assert rows(places, COMPLETED) == [("harbour", 4), ("nightjar", 2)]
    assert rows(places, GRANTED) == [("harbour", 4), ("nightjar", 2)]
