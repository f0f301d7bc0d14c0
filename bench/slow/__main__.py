"""Run the benchmark: ``python -m bench.slow --help``. It uses this machine only, and takes a minute."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from statistics import median

from bench.benchmark import report, temporary_directory
from bench.crowd import Crowd, Listeners, running_crowd
from bench.database import embedded_server
from bench.installation import Installation, install, tenant
from bench.load import HOST, post_request
from bench.nginx import nginx
from bench.probing import download, latencies, percentile
from bench.recordings import Recording, stock
from bench.server import ServerError

SENDERS, LISTENERS = 1000, 500
BYTES_PER_S = 64 * 1024
FILE_BYTES = 86_000_000
"""An hour of MP3 with 192 kbit/s."""

SECONDS = 8.0
DOWNLOADS = 5
CATALOGUE = "/api/v1/products"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. The exit status is 1 if the measurement is invalid."""
    parser = argparse.ArgumentParser(prog="python -m bench.slow")
    parser.add_argument(
        "--rounds", type=int, default=1, help="the number of rounds, of about half a minute each"
    )
    rounds = parser.parse_args(arguments).rounds
    try:
        with (
            temporary_directory("slow") as directory,
            embedded_server(directory / "postgresql") as postgresql,
        ):
            settings = {"autonomy.slow_per_address": "100000", "autonomy.body_seconds": "600"}
            installation = install(
                postgresql,
                directory,
                "ours",
                connections=10,
                tenant=tenant("sk_test_b", "whsec_b"),
                settings=settings,
            )
            measure(installation, directory, stock(installation, FILE_BYTES), rounds)
    except (ServerError, RuntimeError) as error:
        print(f"The run is void: {error}", file=sys.stderr)
        return 1
    return 0


def measure(installation: Installation, directory: Path, recording: Recording, rounds: int) -> None:
    """Measure with and without slow clients in turn, and print the tables."""
    login = post_request("/api/v1/customers/login", b" " * 1000, "application/json", {})
    without, within, downloads, plain = [], [], [], []
    with installation.serving(64) as server, nginx(recording.root, directory / "nginx") as beside:
        listeners = Listeners(LISTENERS, recording.request, BYTES_PER_S)
        crowd = Crowd(server.port, [listeners], senders=SENDERS, sent=login[:-999])
        latencies(server.port, CATALOGUE, {"Host": HOST}, 2)
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            without.append(percentile(latencies(server.port, CATALOGUE, {"Host": HOST}, SECONDS), 0.95))
            with running_crowd(crowd) as running:
                within.append(percentile(latencies(server.port, CATALOGUE, {"Host": HOST}, SECONDS), 0.95))
                outcome = running.outcome()
            for _ in range(DOWNLOADS):
                downloads.append(download(server.port, recording.request, FILE_BYTES))
                if beside is not None:
                    plain.append(download(beside.port, recording.request_of_file, FILE_BYTES))
    print(f"\n{rounds} rounds; {os.cpu_count()} processor cores. Medians.\n")
    print("| catalogue, one client | p95, ms | x without |\n| --- | ---: | ---: |")
    print(f"| without slow clients | {median(without):.1f} | 1 |")
    ratio = median(slow / fast for slow, fast in zip(within, without, strict=True))
    clients = (
        f"{outcome.senders} of {SENDERS} slow senders, {outcome.listeners} of {LISTENERS} slow listeners"
    )
    print(f"| with {clients} | {median(within):.1f} | {ratio:.2f} |")
    print(f"\nThe listeners received {outcome.bytes_per_s / 1e6:.1f} MB/s in total.")
    print("\n| one download | MB/s | x nginx |\n| --- | ---: | ---: |")
    if plain:
        ratios = [ours / theirs for ours, theirs in zip(downloads, plain, strict=True)]
        print(
            f"| nginx | {median(plain):.0f} | 1 |\n| ours | {median(downloads):.0f} | {median(ratios):.2f} |"
        )
    else:
        print(f"| nginx | nginx is not installed | |\n| ours | {median(downloads):.0f} | |")


if __name__ == "__main__":
    sys.exit(main())
