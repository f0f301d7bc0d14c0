"""Run the benchmark: ``python -m bench.slow --help``. It uses this machine only, and takes a minute."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from statistics import median
from uuid import UUID

from autonomy_core.files.storage import storage_key
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import make_runtime
from autonomy_core.security import api_keys
from bench.benchmark import report, temporary_directory
from bench.database import embedded_server
from bench.installation import ORGANISATION, Installation, install, tenant
from bench.load import HOST, post_request
from bench.server import ServerError
from bench.slow.crowd import LISTENERS, SENDERS, Crowd, slow_clients
from bench.slow.probing import download, latencies, nginx, percentile
from media_mp3.models import Track

PRODUCT = UUID(f"{1:032}")
SHA256 = "0" * 64
FILE_BYTES = 86_000_000
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
            key = stock(installation)
            measure(installation, directory, key, rounds)
    except (ServerError, RuntimeError) as error:
        print(f"The run is void: {error}", file=sys.stderr)
        return 1
    return 0


def stock(installation: Installation) -> str:
    """Give a product a large recording; return an API key that may download it."""
    runtime = make_runtime(installation.settings, Plugins.from_entry_points())
    try:
        organisation = runtime.tenants.get(ORGANISATION)
        if organisation is None:
            raise ServerError("The organisation is not in service.")
        key = storage_key(ORGANISATION, SHA256, ".mp3")
        path = runtime.settings.data / "media" / "files" / key
        path.parent.mkdir(parents=True)
        path.write_bytes(secrets.token_bytes(1_000_000) * (FILE_BYTES // 1_000_000))
        with runtime.transaction(organisation) as scope:
            scope.session.add(
                Track(
                    organisation_id=ORGANISATION, id=PRODUCT, product_id=PRODUCT, position=1, title="Long",
                    duration_ms=3_600_000, bitrate=192_000, size=FILE_BYTES, sha256=SHA256, storage_key=key,
                    filename="long.mp3", peaks=b"\0",
                )
            )  # fmt: skip
            scopes = ("catalog.read", "catalog.write")
            _, text = api_keys.issue(scope, "bench", scopes, actor="bench")
        return text
    finally:
        runtime.close()


def measure(installation: Installation, directory: Path, key: str, rounds: int) -> None:
    """Measure with and without slow clients in turn, and print the tables."""
    listening = {"Authorization": f"Bearer {key}"}
    path = f"/api/v1/admin/products/{PRODUCT}/tracks/{PRODUCT}/stream"
    head = "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {key}", "", ""])
    login = post_request("/api/v1/customers/login", b" " * 1000, "application/json", {})
    root = directory / "ours" / "data" / "media" / "files"
    without, within, rates, downloads, plain = [], [], [], [], []
    with installation.serving(64) as server, nginx(root, directory / "nginx") as beside:
        crowd = Crowd(server.port, login[:-999], head.encode())
        latencies(server.port, CATALOGUE, {"Host": HOST}, 2)
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            without.append(percentile(latencies(server.port, CATALOGUE, {"Host": HOST}, SECONDS), 0.95))
            with slow_clients(crowd) as pipe:
                within.append(percentile(latencies(server.port, CATALOGUE, {"Host": HOST}, SECONDS), 0.95))
                pipe.send("enough")
                rates.append(pipe.recv())
            for _ in range(DOWNLOADS):
                downloads.append(download(server.port, path, listening, FILE_BYTES))
                if beside is not None:
                    plain.append(
                        download(beside.port, f"/{storage_key(ORGANISATION, SHA256, '.mp3')}", {}, FILE_BYTES)
                    )
    senders, listeners, rate = rates[-1]
    print(f"\n{rounds} rounds; {os.cpu_count()} processor cores. Medians.\n")
    print("| catalogue, one client | p95, ms | x without |\n| --- | ---: | ---: |")
    print(f"| without slow clients | {median(without):.1f} | 1 |")
    ratio = median(slow / fast for slow, fast in zip(within, without, strict=True))
    print(f"| with {senders} of {SENDERS} slow senders, {listeners} of {LISTENERS} slow listeners | "
          f"{median(within):.1f} | {ratio:.2f} |")  # fmt: skip
    print(f"\nThe listeners received {rate:.1f} MB/s in total.")
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
