"""An installation of the server that is backed up and restored."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import webtest
from click.testing import CliRunner, Result
from sqlalchemy import make_url, select

from autonomy_core.app import make_app
from autonomy_core.catalog.models import Product
from autonomy_core.cli.commands import autonomy
from autonomy_core.cli.context import CliContext
from autonomy_core.cli.server_ini import read_ini
from autonomy_core.customers.models import Customer
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.purchasing import open_payment
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.payments.settlement import settle
from autonomy_core.runtime import APPLICATION_ROLE, DATABASE_NAME, make_runtime
from autonomy_core.security import api_keys
from demo import music
from tests.unit.media_mp3 import material

SHOP = """\
[organisation]
name = {name}
hosts = {name}.example
currency = eur
plugins = customer_auth, media_mp3, stripe_payments

[stripe_payments]
environment = live
test_secret_key = sk_test_{name}
test_public_key = pk_test_{name}
test_webhook_secret = whsec_test_{name}
secret_key = sk_live_{name}
public_key = pk_live_{name}
webhook_secret = whsec_live_{name}
"""
MUSIC = music.tag(material.PIECE) + material.cbr()


@dataclass
class Place:
    """A directory with a server's ini file, and its embedded database.

    Attributes:
        settings: further lines of the ini file.
        bin_dir: the programs of the embedded server that the settings name, if they do.
    """

    directory: Path
    settings: tuple[str, ...] = ()
    bin_dir: Path | None = None

    @property
    def ini(self) -> Path:
        return self.directory / "server.ini"

    @property
    def tenants(self) -> Path:
        return self.directory / "tenants"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def server(self) -> EmbeddedServer:
        return EmbeddedServer(self.data / "postgresql", bin_dir=self.bin_dir, fast=True)

    def make(self) -> Place:
        self.tenants.mkdir(parents=True)
        lines = ["[app:main]", "use = egg:autonomy-server", "autonomy.tenants = %(here)s/tenants"]
        lines += ["autonomy.data = %(here)s/data", "embedded.fast = true", "autonomy.hosts = localhost"]
        self.ini.write_text("\n".join([*lines, *self.settings, ""]))
        return self

    def on(self, cluster: EmbeddedServer) -> Place:
        """Have the databases in a cluster that other places use before and after; see `clear`."""
        self.data.mkdir()
        self.server.data_dir.symlink_to(cluster.data_dir)
        return self

    def clear(self) -> None:
        """Remove the database and the application's role."""
        self.server.drop_database(DATABASE_NAME)
        self.sql(f"DROP ROLE IF EXISTS {APPLICATION_ROLE}", "postgres")

    def run(self, *arguments: str | Path, plugins: Plugins | None = None) -> Result:
        """A command's result; with `plugins` as if these were the installed ones."""
        context = CliContext()
        if plugins is not None:
            context.plugins = plugins
        return CliRunner().invoke(autonomy, ["--config", str(self.ini), *map(str, arguments)], obj=context)

    def succeed(self, *arguments: str | Path) -> Result:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result

    def runtime(self) -> Any:
        return make_runtime(read_ini(self.ini), Plugins.from_entry_points())

    def app(self, runtime: Any) -> webtest.TestApp:
        return webtest.TestApp(make_app(runtime))

    def sql(self, statement: str, database: str = DATABASE_NAME) -> list[tuple[Any, ...]]:
        """The rows of a statement of the superuser."""
        url = make_url(self.server.url(database)).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(), autocommit=True) as connection:
            found = connection.execute(statement)  # type: ignore[call-overload]
            return found.fetchall() if found.description else []

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        names = self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return {
            name: sorted(str(row) for (row,) in self.sql(f'SELECT t::text FROM "{name}" t'))
            for (name,) in names
        }

    def files(self) -> dict[str, bytes]:
        """The recordings and the organisations' files, by their paths."""
        kept = [*(self.data / "media" / "files").rglob("*"), *self.tenants.rglob("*")]
        return {str(path.relative_to(self.directory)): path.read_bytes() for path in kept if path.is_file()}


def sell_and_upload(place: Place) -> None:
    """Over HTTP: a customer of each shop, a product with a recording, and something that is free."""
    runtime = place.runtime()
    app = place.app(runtime)
    for name in ("harbour", "nightjar"):
        with runtime.transaction(runtime.tenants.get(name)) as scope:
            _, key = api_keys.issue(scope, "staff", tuple(SCOPES), actor="test")
        staff = {"Authorization": f"Bearer {key}"}
        title = f"Ünïcode \\n \\. of {name}"
        product = {"title": title, "description": "Two\nlines", "kind": "mp3", "amount": 900}
        made = app.post_json(f"/{name}/api/v1/admin/products", product, headers=staff).json
        upload = [("file", "first.mp3", MUSIC)]
        app.post(f"/{name}/api/v1/admin/products/{made['id']}/tracks", upload_files=upload, headers=staff)
        customer = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}
        app.post_json(f"/{name}/api/v1/customers/register", customer)
    runtime.close()


def buy(place: Place) -> None:
    """Ada buys the album of harbour."""
    runtime = place.runtime()
    with runtime.transaction(runtime.tenants.get("harbour")) as scope:
        customer = scope.session.scalars(select(Customer)).one()
        product = scope.session.scalars(select(Product)).one()
        payment = open_payment(scope, customer.id, product.id, ReturnUrls(*["http://localhost/"] * 3)).payment
        facts = {"environment": "live", "amount": payment.amount, "currency": payment.currency}
        paid = Settlement(payment_id=payment.id, status=PaymentStatus.COMPLETED, source="test", **facts)
        settle(scope, paid, provider="stripe_payments")
    runtime.close()


def refused(place: Place, *arguments: str | Path) -> str:
    """Run a command that must fail with a message and no traceback; returns the message on one line."""
    result = place.run(*arguments)
    assert result.exit_code != 0, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    return " ".join(result.stderr.split())


def signed_event(organisation: str, environment: str) -> tuple[str, dict[str, str]]:
    """The body and the headers of an event as Stripe posts it."""
    event = {
        "id": f"evt_{environment}",
        "object": "event",
        "type": "customer.created",
        "livemode": environment == "live",
        "created": int(time.time()),
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "cus_1", "object": "customer"}},
    }
    body, now = json.dumps(event), int(time.time())
    secret = f"whsec_{environment}_{organisation}"
    signature = hmac.new(secret.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    return body, {"Stripe-Signature": f"t={now},v1={signature}", "Content-Type": "application/json"}
