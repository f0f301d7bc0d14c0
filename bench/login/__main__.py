"""Run the benchmark: ``python -m bench.login --help``. It uses this machine only, and takes a minute."""

from __future__ import annotations

import argparse
import json
import os
import sys
from http.client import HTTPConnection
from statistics import median

from bench.benchmark import report, temporary_directory
from bench.database import embedded_server
from bench.installation import Installation, install, tenant
from bench.load import HOST
from bench.login.crowd import Logins, logging_in, login
from bench.probing import latencies, percentile
from bench.server import ServerError

CUSTOMERS = 100
PASSWORD = "a long engine for the benchmark"
CATALOGUE = "/api/v1/products"
LIMITS = """
[customer_auth]
registrations_per_address = 100000
failed_logins_per_address = 100000
proof_of_work = never
"""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. The exit status is 1 if the measurement is invalid."""
    parser = argparse.ArgumentParser(prog="python -m bench.login")
    parser.add_argument("--rounds", type=int, default=1, help="the number of rounds")
    parser.add_argument("--seconds", type=float, default=8.0, help="the length of each half of a round")
    parser.add_argument("--rate", type=int, default=100, help="logins in a second")
    given = parser.parse_args(arguments)
    try:
        with (
            temporary_directory("login") as directory,
            embedded_server(directory / "postgresql") as postgresql,
        ):
            file = tenant("sk_test_b", "whsec_b") + LIMITS
            # Each customer has an address of its own, as in reality.
            proxy = {"autonomy.trusted_proxies": "127.0.0.1"}
            installation = install(postgresql, directory, "ours", connections=10, tenant=file, settings=proxy)
            measure(installation, given.rounds, given.seconds, given.rate)
    except (ServerError, RuntimeError) as error:
        print(f"The run is void: {error}", file=sys.stderr)
        return 1
    return 0


def register(port: int) -> tuple[bytes, ...]:
    """Register customers, and return a login of each.

    Raises:
        ServerError: a registration was refused.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    emails = [f"customer{number}@example.org" for number in range(CUSTOMERS)]
    for email in emails:
        body = json.dumps({"email": email, "password": PASSWORD, "name": "Ada"})
        headers = {"Host": HOST, "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/customers/register", body, headers)
        answer = connection.getresponse()
        if (content := answer.read()) and answer.status != 201:
            raise ServerError(f"A registration was answered {answer.status}: {content!r}")
    return tuple(login(email, PASSWORD) for email in emails)


def measure(installation: Installation, rounds: int, seconds: float, rate: int) -> None:
    """Measure the catalogue with and without logins in turn, and print the tables.

    Raises:
        ServerError: no login was successful, or one got an unexpected answer.
    """
    without, within, reports = [], [], []
    with installation.serving(64) as server:
        logins = Logins(server.port, register(server.port), rate)
        latencies(server.port, CATALOGUE, {"Host": HOST}, 2)
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            without.append(percentile(latencies(server.port, CATALOGUE, {"Host": HOST}, seconds), 0.95))
            with logging_in(logins) as pipe:
                within.append(percentile(latencies(server.port, CATALOGUE, {"Host": HOST}, seconds), 0.95))
                pipe.send("enough")
                reports.append(pipe.recv())
    statuses, took = reports[-1]
    if not statuses.get("200") or statuses.keys() - {"200", "503"}:
        raise ServerError(f"The logins were answered {statuses}.")
    ratio = median(busy / quiet for busy, quiet in zip(within, without, strict=True))
    print(f"\n{rounds} rounds; {os.cpu_count()} processor cores. Medians.\n")
    print("| catalogue, one client | p95, ms | x without |\n| --- | ---: | ---: |")
    print(f"| without logins | {median(without):.1f} | 1 |")
    print(f"| with {rate} logins in a second | {median(within):.1f} | {ratio:.2f} |")
    print(
        f"\nOf {sum(statuses.values()) / took:.0f} logins in a second, {statuses['200'] / took:.0f} were "
        f"successful and {statuses.get('503', 0) / took:.0f} were told to come back."
    )


if __name__ == "__main__":
    sys.exit(main())
