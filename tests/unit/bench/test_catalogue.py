"""The whole benchmark of the catalogue with few rounds. No speed is asserted."""

import pytest

from bench import benchmark
from bench.catalogue import by_hand, drf, ours, shops
from bench.catalogue.__main__ import BENCHMARK
from bench.catalogue.flask_app import create_app

pytestmark = pytest.mark.processes

MEMBERS = {"slug", "artist", "other_prices", "release_date", "purchasable", "tags", "cover", "items"}


def test_the_benchmark_prints_ratios_and_removes_its_files(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "DIRECTORY", tmp_path / "bench")
    assert BENCHMARK.main(["--rounds", "1", "--lists", "8", "--connections", "2"]) == 0
    printed = capsys.readouterr().out
    names = {ours.NAME, ours.UNCHANGED, ours.MADE, by_hand.NAME, *([drf.NAME] if drf.is_installed() else ())}
    assert all(f"| `{name}` |" in printed for name in names)
    assert list((tmp_path / "bench").iterdir()) == []


def test_the_hand_written_list_has_what_ours_has(postgresql, monkeypatch):
    by_hand.make_shop(postgresql, "flask_catalogue")
    monkeypatch.setenv("DATABASE_URL", postgresql.url("flask_catalogue"))
    monkeypatch.setenv("POOL_SIZE", "1")
    app = create_app()
    for number in (0, 31):
        answer = app.test_client().get(shops.PATH, headers={"Host": shops.host(number)}).json
        assert [item["title"] for item in answer["items"]] == shops.titles(number)
        assert answer["items"][0].keys() > MEMBERS
        assert answer["next"] is not None
    app.extensions["engine"].dispose()
    postgresql.drop_database("flask_catalogue")
