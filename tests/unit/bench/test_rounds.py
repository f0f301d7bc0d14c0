import pytest

from bench.contender import Contender, Timing
from bench.database import VoidRun
from bench.rounds import play, play_rounds


def contender(name="one", *, counts=None, ran=None):
    """A contender that does nothing, and reports success or the given counts."""
    done = []

    def run(numbers):
        done.extend(numbers)
        if ran is not None:
            ran.append((name, numbers))
        return Timing(len(numbers), 1.0)

    return Contender(name, lambda numbers: None, run, lambda: counts or {"done": len(done)})


def test_a_round_counts_when_every_task_is_done_once():
    counts = {"payments completed": 30, "grants": 30}
    assert play(contender(counts=counts), range(20, 30)).tasks == 10


@pytest.mark.parametrize("counts", [(29, 30), (30, 31)])
def test_a_round_is_void_when_a_task_is_missing_or_doubled(counts):
    found = dict(zip(("payments completed", "grants"), counts, strict=True))
    with pytest.raises(VoidRun, match=f"given 30 tasks, but the result is {counts[0]} payments completed, "):
        play(contender(counts=found), range(20, 30))


def test_the_rows_of_a_round_are_made_before_it_runs():
    steps = []
    made = Contender("one", steps.append, lambda numbers: steps.append("run") or Timing(3, 1.0), dict)
    play(made, range(3))
    assert steps == [range(3), "run"]


def test_contenders_take_turns_in_going_first_and_get_the_same_tasks():
    ran = []
    both = [contender("one", ran=ran), contender("two", ran=ran)]
    timings = play_rounds(both, rounds=2, tasks=5, warm_up=3, report=lambda _: None)
    assert ran == [
        ("one", range(3)),
        ("two", range(3)),
        ("one", range(3, 8)),
        ("two", range(3, 8)),
        ("two", range(8, 13)),
        ("one", range(8, 13)),
    ]
    assert {name: len(rounds) for name, rounds in timings.items()} == {"one": 2, "two": 2}
