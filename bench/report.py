"""Medians, ranges and ratios, as a Markdown table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from bench.contender import Timing
from bench.rounds import Timings


def table(timings: Timings, baselines: Sequence[str], unit: str) -> str:
    """Return the results of every contender, fastest first.

    Args:
        timings: the timings by contender.
        baselines: the contenders that each is compared with, round by round.
        unit: the plural of a task: ``events``.
    """
    one = unit.removesuffix("s")
    columns: dict[str, Callable[[str], str]] = {
        **{f"x `{base}`": partial(_compared, timings, base) for base in baselines},
        f"{unit}/s": lambda name: _range([timing.per_second for timing in timings[name]], 0),
        f"CPU per {one}, µs": lambda name: _cpu(timings[name], "cpu_seconds"),
        f"Stripe's CPU per {one}, µs": lambda name: _cpu(timings[name], "stripe_cpu_seconds"),
    }
    ordered = sorted(timings, key=lambda name: -median(timing.per_second for timing in timings[name]))
    cells = {title: [cell(name) for name in ordered] for title, cell in columns.items()}
    shown = {title: cells_of_all for title, cells_of_all in cells.items() if any(cells_of_all)}
    rows = zip((f"`{name}`" for name in ordered), *shown.values(), strict=True)
    lines = [["contender", *shown], ["---", *["---:"] * len(shown)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratios(timings: Sequence[Timing], baseline: Sequence[Timing]) -> list[float]:
    """Return the rate in relation to the baseline, for each round."""
    return [one.per_second / other.per_second for one, other in zip(timings, baseline, strict=True)]


def _compared(timings: Timings, base: str, name: str) -> str:
    return "1" if name == base else _range(ratios(timings[name], timings[base]), 2)


def _cpu(timings: Sequence[Timing], attribute: str) -> str:
    """Return the median processor time of a task in microseconds; empty if it is unknown."""
    known = [
        seconds / timing.tasks for timing in timings if (seconds := getattr(timing, attribute)) is not None
    ]
    return f"{median(known) * 1e6:.0f}" if known else ""


def _range(values: Sequence[float], decimals: int) -> str:
    """Return the median with the least and the greatest value."""
    middle, least, most = (f"{value:.{decimals}f}" for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least}-{most})"
