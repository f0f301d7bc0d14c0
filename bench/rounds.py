"""Runs the contenders in turns, so that other activity of the machine affects all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.contender import Contender, Timing
from bench.database import VoidRun

Timings = dict[str, list[Timing]]


def play_rounds(
    contenders: Sequence[Contender], *, rounds: int, tasks: int, warm_up: int, report: Callable[[str], None]
) -> Timings:
    """Let every contender do the same number of new tasks in each round.

    Args:
        contenders: the contenders.
        rounds: the number of rounds.
        tasks: the number of tasks in a round.
        warm_up: the number of tasks before the first round, which are not reported.
        report: called with each result.

    Raises:
        VoidRun, LoadError: a task was not done exactly once.
    """
    for contender in contenders:
        play(contender, range(warm_up))
    timings: Timings = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        first = warm_up + number * tasks
        turn = number % len(contenders)
        for contender in [*contenders[turn:], *contenders[:turn]]:
            timing = play(contender, range(first, first + tasks))
            timings[contender.name].append(timing)
            report(f"round {number + 1} of {rounds}: {contender.name} {timing.per_second:.0f} per second")
    return timings


def play(contender: Contender, numbers: range) -> Timing:
    """Let a contender do new tasks, and count the results of all its tasks so far.

    Raises:
        VoidRun: a result is missing, or was produced twice.
    """
    contender.prepare(numbers)
    timing = contender.run(numbers)
    counts = contender.count()
    if any(number != numbers.stop for number in counts.values()):
        found = ", ".join(f"{number} {name}" for name, number in counts.items())
        raise VoidRun(f"{contender.name} was given {numbers.stop} tasks, but the result is {found}.")
    return timing
