"""The whole benchmark of organisations with small numbers. No time or memory is asserted."""

from pathlib import Path

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.tenancy.directory import load_directory
from bench.tenants import __main__ as benchmark
from bench.tenants import measuring
from bench.tenants.report import table
from bench.tenants.shops import make_shops


def test_the_organisations_are_in_order_and_no_host_has_two_owners(tmp_path):
    plugins = Plugins.from_entry_points()
    offered = {name: PluginSettings() for name in plugins.names} | dict(
        plugins.registered("register_settings")
    )
    shops = make_shops(tmp_path, 20, "postgresql://%2Ftmp/tenants")
    loaded = load_directory(tmp_path / "tenants", {name: each.organisation for name, each in offered.items()})
    assert (len(loaded.organisations), loaded.problems) == (20, ())
    hosts = [organisation.hosts for organisation in loaded.organisations.values()]
    assert [each[-1] for each in hosts] == shops.hosts()
    assert {len(each) for each in hosts} == {1, 2}


def test_the_table_has_medians_ranges_and_differences_per_round():
    rounds = {
        1: [{"start, s": 1.0, "memory, MiB": 70.0}, {"start, s": 2.0}, {"start, s": 1.5}],
        100: [{"start, s": 1.5, "memory, MiB": 71.0}, {"start, s": 2.1}, {"start, s": 1.8}],
    }
    assert table(rounds).splitlines() == [
        "| organisations | 1 | 100 | 100 - 1 |",
        "| --- | ---: | ---: | ---: |",
        "| start, s | 1.50 (1.00-2.00) | 1.80 (1.50-2.10) | +0.30 |",
        "| memory, MiB | 70.00 | 71.00 | +1.00 |",
    ]


@pytest.mark.processes
@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the system does not tell the memory"
)
def test_the_benchmark_measures_both_processes_and_removes_its_files(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "DIRECTORY", tmp_path / "bench")
    few = ["--counts", "3", "--rounds", "1"]
    assert benchmark.main([*few, "--later", "0", "--idle", "0.1", "--settle", "0"]) == 0
    printed = capsys.readouterr().out
    assert "| organisations | 3 |" in printed
    measured = (measuring.FIRST_START, measuring.START, measuring.MEMORY_ALL, measuring.WORKER_MEMORY)
    assert all(f"| {name} |" in printed for name in measured)
    assert list((tmp_path / "bench").iterdir()) == []
