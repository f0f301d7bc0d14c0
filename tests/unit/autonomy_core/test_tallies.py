"""Counters per organisation in Prometheus' format, of one process or summed over several."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from autonomy_core.tallies import Tally


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def sales(registry: CollectorRegistry) -> Iterator[Tally]:
    made = Tally("sales", "What was sold.", ["organisation", "status"], registry)
    yield made
    made.close()


def test_one_process_reports_its_own_counts(registry: CollectorRegistry, sales: Tally):
    assert generate_latest(registry) == b"# HELP sales_total What was sold.\n# TYPE sales_total counter\n"
    for organisation in ("acme", "beta", "acme"):
        sales.count(organisation, "paid")
    told = generate_latest(registry).decode().splitlines()
    assert told[2:] == [
        'sales_total{organisation="acme",status="paid"} 2.0',
        'sales_total{organisation="beta",status="paid"} 1.0',
    ]


@pytest.mark.processes
def test_the_counts_of_all_processes_are_summed_after_their_end_too(
    sales: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    sales.count("acme", "paid")
    forked = multiprocessing.get_context("fork").Process(target=sales.count, args=("acme", "paid"))
    forked.start()
    forked.join()
    sales.count("acme", "paid")
    summed = CollectorRegistry()
    MultiProcessCollector(summed)
    assert b'sales_total{organisation="acme",status="paid"} 3.0' in generate_latest(summed)


@pytest.mark.parametrize("in_files", [True, False])
def test_no_count_of_concurrent_threads_is_lost(
    registry: CollectorRegistry, sales: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_files: bool
):
    if in_files:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    threads = [
        threading.Thread(target=lambda: [sales.count("acme", str(n % 50)) for n in range(1000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = generate_latest(registry).decode().splitlines()
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("sales_total{")] == ["80.0"] * 50
