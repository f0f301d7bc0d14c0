"""Medians, ranges and ratios, as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.webhooks.contender import Timing
from bench.webhooks.rounds import Timings


def table(timings: Timings, baselines: Sequence[str]) -> str:
    """The results of every contender, fastest first.

    Args:
        baselines: the contenders with which each is compared, round by round.
    """
    header = ["", "events/s", "CPU per event, µs", *(f"x {name}" for name in baselines)]
    ordered = sorted(timings, key=lambda name: -median(_speeds(timings[name])))
    rows = [_row(name, timings, baselines) for name in ordered]
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratios(timings: Sequence[Timing], baseline: Sequence[Timing]) -> list[float]:
    """How many times as fast as the baseline, in each round."""
    return [one.per_second / other.per_second for one, other in zip(timings, baseline, strict=True)]


def _row(name: str, timings: Timings, baselines: Sequence[str]) -> list[str]:
    own = timings[name]
    cpu = [used for timing in own if (used := timing.cpu_microseconds) is not None]
    compared = ["1" if name == base else _range(ratios(own, timings[base]), 2) for base in baselines]
    return [name, _range(_speeds(own), 0), f"{median(cpu):.0f}" if cpu else "", *compared]


def _speeds(timings: Sequence[Timing]) -> list[float]:
    return [timing.per_second for timing in timings]


def _range(values: Sequence[float], decimals: int) -> str:
    """The median, with the least and the greatest."""
    middle, least, most = (f"{value:.{decimals}f}" for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least}-{most})"
