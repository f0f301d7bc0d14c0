"""Medians for each number of organisations, as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from bench.tenants.measuring import Figures


def table(rounds: Mapping[int, Sequence[Figures]]) -> str:
    """Return a row for each figure, with each number of organisations and the differences to the fewest.

    Args:
        rounds: the figures of each round, by the number of organisations.
    """
    counts = sorted(rounds)
    fewest, *more = counts
    names = dict.fromkeys(name for figures in rounds[fewest] for name in figures)
    header = [
        "organisations",
        *(f"{count:,}" for count in counts),
        *(f"{count:,} - {fewest}" for count in more),
    ]
    rows = [_row(name, [_values(name, rounds[count]) for count in counts]) for name in names]
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _values(name: str, rounds: Sequence[Figures]) -> list[float]:
    return [figures[name] for figures in rounds if name in figures]


def _row(name: str, columns: Sequence[Sequence[float]]) -> list[str]:
    # Differences within a round, because other activity of the machine affected both values.
    differences = [
        [one - other for one, other in zip(column, columns[0], strict=True)] for column in columns[1:]
    ]
    return [name, *(_range(column) for column in columns), *(f"{median(each):+.2f}" for each in differences)]


def _range(values: Sequence[float]) -> str:
    middle, least, most = (f"{value:.2f}" for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least}-{most})"
