"""An installation with many organisations: their ini files, and the server's."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

SHOP = """\
[organisation]
name = {name}
hosts = {hosts}
currency = eur
plugins = customer_auth, media_mp3, stripe_payments
support_email = help@{host}

[stripe_payments]
environment = test
test_secret_key = sk_test_{key}
test_public_key = pk_test_{key}
test_webhook_secret = whsec_{secret}
"""
"""Keys as long as Stripe's."""

SERVER = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = %(here)s/tenants
autonomy.data = %(here)s/data
autonomy.log_format = json
sqlalchemy.url = {address}
stripe_payments.api_base = http://127.0.0.1:9
"""
"""The jobs of the worker ask for events, and find nobody there: a benchmark leaves Stripe alone."""

UNKNOWN_HOST = "nobody.example"


@dataclass(frozen=True)
class Shops:
    """An installation.

    Attributes:
        directory: with the server's ini file, the organisations' and the data.
        count: of organisations.
    """

    directory: Path
    count: int

    @property
    def config(self) -> Path:
        """The server's ini file."""
        return self.directory / "server.ini"

    def hosts(self) -> list[str]:
        """A host of each organisation: the last in its file."""
        return [hosts_of(number)[-1] for number in range(self.count)]

    def write(self, number: int, *, name: str | None = None) -> None:
        """Write an organisation's file, as careful editors do.

        Args:
            name: the organisation's, where it is not to be the usual one.
        """
        path = self.path(number)
        draft = path.with_suffix(".draft")
        draft.write_text(ini_of(number, name), "utf-8")
        draft.replace(path)

    def path(self, number: int) -> Path:
        """Where an organisation's file is."""
        return self.directory / "tenants" / f"shop-{number:05}.ini"


def make_shops(directory: Path, count: int, address: str) -> Shops:
    """Write all files of an installation.

    Args:
        address: the database's, for the application's role.
    """
    (directory / "tenants").mkdir(parents=True)
    (directory / "data").mkdir()
    made = Shops(directory, count)
    made.config.write_text(SERVER.format(address=address.replace("%", "%%")), "utf-8")
    for number in range(count):
        made.write(number)
    return made


def hosts_of(number: int) -> tuple[str, ...]:
    """One host name, or two for every second organisation."""
    host = f"shop-{number:05}.example"
    return (host,) if number % 2 else (host, f"www.{host}")


def ini_of(number: int, name: str | None = None) -> str:
    """The text of an organisation's file."""
    dice = random.Random(number)
    hosts = hosts_of(number)
    return SHOP.format(
        name=name or f"Recordings Number {number}",
        hosts=", ".join(hosts),
        host=hosts[0],
        key=f"{dice.getrandbits(396):099x}",
        secret=f"{dice.getrandbits(128):032x}",
    )
