"""Run the benchmark: ``python -m bench.files --help``. It uses this machine only, and takes a minute."""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from autonomy_core.db.embedded import EmbeddedServer
from bench.benchmark import report, temporary_directory
from bench.crowd import Crowd, Listeners, running_crowd
from bench.database import embedded_server
from bench.installation import install, tenant
from bench.load import HOST
from bench.nginx import nginx, passing_on
from bench.probing import download, latencies, percentile
from bench.recordings import Recording, stock
from bench.server import Server, ServerError

LISTENERS, LISTENER_BYTES_PER_S = 64, 40_000
"""Who plays MP3 with 320 kbit/s."""

DOWNLOADS, DOWNLOAD_BYTES_PER_S = 16, 12_500_000
"""Who downloads over a line of 100 Mbit/s."""

FILE_BYTES = 430_000_000
"""An hour and a quarter of FLAC."""

SECONDS = 8.0
CATALOGUE = "/api/v1/products"
ACCEL = "/_files/"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Sender:
    """A way to send a recording.

    Attributes:
        port: where it is requested, on 127.0.0.1.
        request: a whole request.
        application: the server that decides who may have it; None if there is none.
    """

    port: int
    request: bytes
    application: Server | None


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. The exit status is 1 if the measurement is invalid."""
    parser = argparse.ArgumentParser(prog="python -m bench.files")
    parser.add_argument("--rounds", type=int, default=1, help="the number of rounds, of about a minute each")
    rounds = parser.parse_args(arguments).rounds
    try:
        with (
            temporary_directory("files") as directory,
            embedded_server(directory / "postgresql") as postgresql,
            ExitStack() as stack,
        ):
            print_rates(senders := start(stack, postgresql, directory), rounds)
            for name, sender in senders.items():
                if sender.application is not None:
                    print_effect(name, sender, sender.application, rounds)
    except (ServerError, RuntimeError) as error:
        print(f"The run is void: {error}", file=sys.stderr)
        return 1
    return 0


def start(stack: ExitStack, postgresql: EmbeddedServer, directory: Path) -> dict[str, Sender]:
    """Start all senders, which stop with the stack; without nginx only the application.

    Raises:
        ServerError: one of them does not start.
    """
    application, recording = _application(stack, postgresql, directory, "server", {})
    found = {"application": Sender(application.port, recording.request, application)}
    plain = stack.enter_context(nginx(recording.root, directory / "nginx"))
    if plain is None:
        return found
    passing = {"autonomy.files.delivery": "accel", "autonomy.files.accel_prefix": ACCEL}
    trusting = {"autonomy.trusted_proxies": "127.0.0.1"}
    behind, recording = _application(stack, postgresql, directory, "accel", {**passing, **trusting})
    location = passing_on(behind.port, f"{ACCEL}media_mp3/recordings/", recording.root)
    front = stack.enter_context(nginx(recording.root, directory / "front", location))
    if front is None:
        raise ServerError("nginx has disappeared.")
    found["nginx for the application"] = Sender(front.port, recording.request, behind)
    found["nginx alone"] = Sender(plain.port, recording.request_of_file, None)
    return found


def _application(
    stack: ExitStack, postgresql: EmbeddedServer, directory: Path, name: str, settings: dict[str, str]
) -> tuple[Server, Recording]:
    installation = install(
        postgresql,
        directory,
        name,
        connections=10,
        tenant=tenant("sk_test_b", "whsec_b"),
        settings={"autonomy.slow_per_address": "100000", **settings},
    )
    recording = stock(installation, FILE_BYTES)
    return stack.enter_context(installation.serving(64)), recording


def print_rates(senders: dict[str, Sender], rounds: int) -> None:
    """Measure downloads at full speed from all senders in turn, and print the rates."""
    rates = defaultdict(list)
    for sender in senders.values():
        download(sender.port, sender.request, FILE_BYTES)
    for number in range(rounds):
        report(f"rates, round {number + 1} of {rounds}")
        for name, sender in senders.items():
            rates[name].append(download(sender.port, sender.request, FILE_BYTES, DOWNLOADS))
    print(f"\n{rounds} rounds; {os.cpu_count()} processor cores. Medians, least and greatest.\n")
    print(f"| {DOWNLOADS} downloads at once, sent by | MB/s | x nginx alone |\n| --- | ---: | ---: |")
    for name in senders:
        ratios = [one / other for one, other in zip(rates[name], rates["nginx alone"], strict=False)]
        shown = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else ""
        print(f"| {name} | {median(rates[name]):.0f} | {shown} |")


def print_effect(name: str, sender: Sender, application: Server, rounds: int) -> None:
    """Measure the catalogue with and without listeners and downloads in turn, and print the effect."""
    crowd = Crowd(
        sender.port,
        [
            Listeners(LISTENERS, sender.request, LISTENER_BYTES_PER_S),
            Listeners(DOWNLOADS, sender.request, DOWNLOAD_BYTES_PER_S),
        ],
    )
    without, within, memory = [], [], [application.memory_bytes()]
    latencies(sender.port, CATALOGUE, {"Host": HOST}, 2)
    for number in range(rounds):
        report(f"{name}, round {number + 1} of {rounds}")
        without.append(percentile(latencies(sender.port, CATALOGUE, {"Host": HOST}, SECONDS), 0.95))
        with running_crowd(crowd) as running:
            within.append(percentile(latencies(sender.port, CATALOGUE, {"Host": HOST}, SECONDS), 0.95))
            memory.append(application.memory_bytes())
            outcome = running.outcome()
    ratios = [one / other for one, other in zip(within, without, strict=True)]
    print(f"\n| catalogue, files sent by {name} | p95, ms | x without |\n| --- | ---: | ---: |")
    print(f"| without | {median(without):.1f} | 1 |")
    print(f"| with {LISTENERS} listeners and {DOWNLOADS} downloads | {median(within):.1f} | "
          f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |")  # fmt: skip
    print(f"\n{outcome.listeners} clients received {outcome.bytes_per_s / 1e6:.0f} MB/s in total.")
    before, *during = (f"{each / MIB:.0f}" for each in memory)
    print(f"Memory of the application in MiB: {before} before; {', '.join(during)} with the clients.")


if __name__ == "__main__":
    sys.exit(main())
