"""The contenders in turns, so that what else the machine does meets all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.webhooks.contender import Contender, Timing
from bench.webhooks.database import VoidRun, execute, settle_down

Timings = dict[str, list[Timing]]


def play_rounds(
    contenders: Sequence[Contender], *, rounds: int, events: int, warm_up: int, tell: Callable[[str], None]
) -> Timings:
    """Let every contender settle the same number of new payments in each round.

    Args:
        events: how many in a round.
        warm_up: how many before the first round, which are not reported.
        tell: told each result.

    Raises:
        VoidRun, LoadError: something was not settled exactly once.
    """
    for contender in contenders:
        play(contender, range(warm_up))
    timings: Timings = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        first = warm_up + number * events
        turn = number % len(contenders)
        for contender in [*contenders[turn:], *contenders[:turn]]:
            timing = play(contender, range(first, first + events))
            timings[contender.name].append(timing)
            tell(f"round {number + 1} of {rounds}: {contender.name} {timing.per_second:.0f} events/s")
    return timings


def play(contender: Contender, numbers: range) -> Timing:
    """Let a contender settle new payments, and count what it has settled since it began.

    Raises:
        VoidRun: a payment is not completed, or not granted exactly once.
    """
    execute(contender.address, contender.pending, {"first": numbers[0], "last": numbers[-1]})
    settle_down(contender.address)
    timing = contender.run(numbers)
    counts = execute(contender.address, contender.settled)[0]
    if counts != (numbers.stop,) * 3:
        names = ("payments completed", "grants", "payments with a grant")
        found = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
        raise VoidRun(f"{contender.name} has been sent {numbers.stop} events, and the result is {found}.")
    return timing
