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
"""The keys are as long as Stripe's."""

SERVER = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = %(here)s/tenants
autonomy.data = %(here)s/data
autonomy.log_format = json
sqlalchemy.url = {address}
stripe_payments.api_base = http://127.0.0.1:9
"""
"""The worker's jobs call Stripe at an unused port, so that the benchmark makes no call to Stripe."""

UNKNOWN_HOST = "unknown.example"


@dataclass(frozen=True)
class Shops:
    """An installation.

    Attributes:
        directory: contains the server's ini file, the organisations' files and the data.
        count: the number of organisations.
    """

    directory: Path
    count: int

    @property
    def config(self) -> Path:
        """The server's ini file."""
        return self.directory / "server.ini"

    def hosts(self) -> list[str]:
        """Return a host of each organisation: the last one in its file."""
        return [hosts_of(number)[-1] for number in range(self.count)]

    def write(self, number: int, *, name: str | None = None) -> None:
        """Write an organisation's file atomically.

        Args:
            number: the organisation's number.
            name: its name, if it is not the usual one.
        """
        path = self.path(number)
        draft = path.with_suffix(".draft")
        draft.write_text(ini_of(number, name), "utf-8")
        draft.replace(path)

    def path(self, number: int) -> Path:
        """Return the path of an organisation's file."""
        return self.directory / "tenants" / f"shop-{number:05}.ini"


def make_shops(directory: Path, count: int, address: str) -> Shops:
    """Write all files of an installation.

    Args:
        directory: its directory.
        count: the number of organisations.
        address: the database's URL, for the application's role.
    """
    (directory / "tenants").mkdir(parents=True)
    (directory / "data").mkdir()
    made = Shops(directory, count)
    made.config.write_text(SERVER.format(address=address.replace("%", "%%")), "utf-8")
    for number in range(count):
        made.write(number)
    return made


def hosts_of(number: int) -> tuple[str, ...]:
    """Return one host name, or two for every second organisation."""
    host = f"shop-{number:05}.example"
    return (host,) if number % 2 else (host, f"www.{host}")


def ini_of(number: int, name: str | None = None) -> str:
    """Return the text of an organisation's file."""
    dice = random.Random(number)
    hosts = hosts_of(number)
    return SHOP.format(
        name=name or f"Recordings Number {number}",
        hosts=", ".join(hosts),
        host=hosts[0],
        key=f"{dice.getrandbits(396):099x}",
        secret=f"{dice.getrandbits(128):032x}",
    )
