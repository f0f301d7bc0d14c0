from bench.webhooks.contender import Timing
from bench.webhooks.report import ratios, table

TIMINGS = {
    "slow": [Timing(100, 1.0, 0.2), Timing(100, 2.0, 0.4), Timing(100, 1.0, 0.3)],
    "fast": [Timing(100, 0.5), Timing(100, 0.25), Timing(100, 0.25)],
}


def test_ratios_compare_what_was_measured_in_the_same_round():
    assert ratios(TIMINGS["fast"], TIMINGS["slow"]) == [2.0, 8.0, 4.0]


def test_the_table_has_medians_and_ranges_fastest_first():
    assert table(TIMINGS, ["slow"]).splitlines() == [
        "|  | events/s | CPU per event, µs | x slow |",
        "| --- | ---: | ---: | ---: |",
        "| fast | 400 (200-400) |  | 4.00 (2.00-8.00) |",
        "| slow | 100 (50-100) | 3000 | 1 |",
    ]


def test_one_round_has_no_range():
    assert "| fast | 200 |" in table({"fast": [Timing(100, 0.5)]}, [])
