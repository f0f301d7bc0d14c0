import pytest

from bench.webhooks.contender import Contender, Timing
from bench.webhooks.database import VoidRun, conninfo, execute
from bench.webhooks.rounds import play, play_rounds


def contender(postgresql, settled, *, pending="SELECT %(first)s::int, %(last)s::int", name="one", ran=None):
    def run(numbers):
        if ran is not None:
            ran.append((name, numbers))
        return Timing(len(numbers), 1.0)

    return Contender(name, conninfo(postgresql, "postgres"), pending, settled, run)


@pytest.fixture
def counting(postgresql):
    """Makes contenders whose payments are settled as soon as they are made, and notes who ran."""
    ran = []

    def make(name):
        pending = f"INSERT INTO paid SELECT '{name}' FROM generate_series(%(first)s::int, %(last)s::int)"
        settled = f"SELECT count(*), count(*), count(*) FROM paid WHERE contender = '{name}'"
        return contender(postgresql, settled, pending=pending, name=name, ran=ran)

    address = conninfo(postgresql, "postgres")
    execute(address, "CREATE TABLE paid (contender text)")
    yield make, ran
    execute(address, "DROP TABLE paid")


def test_a_round_counts_when_all_is_settled_once(postgresql):
    assert play(contender(postgresql, "SELECT 30, 30, 30"), range(20, 30)).events == 10


@pytest.mark.parametrize("counts", ["29, 30, 30", "30, 31, 30", "30, 30, 29"])
def test_a_round_is_void_when_anything_is_missing_or_doubled(postgresql, counts):
    with pytest.raises(VoidRun, match="has been sent 30 events"):
        play(contender(postgresql, f"SELECT {counts}"), range(20, 30))


def test_contenders_take_turns_in_going_first_and_get_the_same_payments(counting):
    make, ran = counting
    timings = play_rounds([make("one"), make("two")], rounds=2, events=5, warm_up=3, tell=lambda _: None)
    assert ran == [
        ("one", range(3)),
        ("two", range(3)),
        ("one", range(3, 8)),
        ("two", range(3, 8)),
        ("two", range(8, 13)),
        ("one", range(8, 13)),
    ]
    assert {name: len(rounds) for name, rounds in timings.items()} == {"one": 2, "two": 2}
