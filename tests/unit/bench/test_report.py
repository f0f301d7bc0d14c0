from bench.contender import Timing
from bench.report import ratios, table

TIMINGS = {
    "slow": [Timing(100, 1.0, 0.2), Timing(100, 2.0, 0.4), Timing(100, 1.0, 0.3)],
    "fast": [Timing(100, 0.5), Timing(100, 0.25), Timing(100, 0.25)],
}


def test_ratios_compare_measurements_of_the_same_round():
    assert ratios(TIMINGS["fast"], TIMINGS["slow"]) == [2.0, 8.0, 4.0]


def test_the_table_is_sorted_by_speed_with_ratios_first():
    assert table(TIMINGS, ["slow"], "events").splitlines() == [
        "| contender | x `slow` | events/s | CPU per event, µs |",
        "| --- | ---: | ---: | ---: |",
        "| `fast` | 4.00 (2.00-8.00) | 400 (200-400) |  |",
        "| `slow` | 1 | 100 (50-100) | 3000 |",
    ]


def test_the_simulators_cpu_has_a_column_where_it_was_measured():
    (header, _, row) = table({"one": [Timing(100, 1.0, 0.2, 0.05)]}, [], "purchases").splitlines()
    assert header.endswith("| CPU per purchase, µs | Stripe's CPU per purchase, µs |")
    assert row == "| `one` | 100 | 2000 | 500 |"


def test_one_round_has_no_range():
    assert "| `fast` | 200 |" in table({"fast": [Timing(100, 0.5)]}, [], "events")
