"""This project, installed like a real server: an ini file, a migrated database, granian."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import ENTRY_POINT_GROUP
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.runtime import APPLICATION_ROLE, components, make_runtime
from bench.database import conninfo, execute
from bench.load import HOST
from bench.server import ROOT, Server, ServerError, free_port, running

ORGANISATION = "bench"
PRODUCTS = """
    INSERT INTO products
        (organisation_id, id, title, description, kind, amount, currency, active, created_at, updated_at)
    SELECT 'bench', lpad(n::text, 32, '0')::uuid, 'Recording ' || n, '', 'mp3', 1200, 'eur', true,
        now(), now()
    FROM generate_series(0, 20) n
"""


def tenant(secret_key: str, webhook_secret: str) -> str:
    """Return the ini file of an organisation with the plugins that this project includes.

    Args:
        secret_key, webhook_secret: Stripe's secrets.
    """
    return f"""\
[organisation]
name = Benchmark
hosts = {HOST}
currency = eur
plugins = customer_auth, media_mp3, stripe_payments

[stripe_payments]
environment = test
test_secret_key = {secret_key}
test_public_key = pk_test_benchmark
test_webhook_secret = {webhook_secret}
"""


@dataclass(frozen=True)
class Installation:
    """This project with its own directory and database.

    Attributes:
        address: the database's connection string, for the owner.
        config: the ini file.
        settings: the keys of the ini file.
        environment: added to the environment of its processes.
    """

    address: str
    config: Path
    settings: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def serving(self, threads: int) -> AbstractContextManager[Server]:
        """Serve it with `autonomy serve`, in one process, during the block."""
        port = free_port()
        program = [str(Path(sys.executable).parent / "autonomy"), "--config", str(self.config)]
        command = [*program, "serve", "--port", str(port), "--threads", str(threads)]
        log = self.config.with_suffix(".log")
        return running(command, port=port, environment=self.environment, log=log)

    @contextmanager
    def scope(self) -> Iterator[TenantScope]:
        """Open the scope of its organisation in this process, without a database connection."""
        runtime = make_runtime(self.settings)
        try:
            organisation = runtime.tenants.get(ORGANISATION)
            if organisation is None:
                raise ServerError(f"{self.config}: {[*map(str, runtime.tenants.problems())]}")
            yield runtime.scope_outside(organisation)
        finally:
            runtime.close()


def install(
    postgresql: EmbeddedServer,
    directory: Path,
    name: str,
    *,
    connections: int = 1,
    tenant: str = "",
    settings: Mapping[str, str] | None = None,
    path: Sequence[Path] = (),
) -> Installation:
    """Create a directory, and a database with 20 products to sell and one to grant.

    Args:
        postgresql: the PostgreSQL server.
        directory: the parent directory.
        name: the name of the database and of the new directory.
        connections: the application's number of database connections.
        tenant: the ini file of its only organisation.
        settings: additional keys of the server's ini file.
        path: directories with more plugins, see `offer`.

    Raises:
        MigrationError: a revision failed.
        ServerError: the migration of more plugins failed; the message contains its output.
    """
    postgresql.create_database(name, template=_migrated(postgresql))
    home = directory / name
    (home / "tenants").mkdir(parents=True)
    (home / "tenants" / f"{ORGANISATION}.ini").write_text(tenant, "utf-8")
    environment = {"PYTHONPATH": os.pathsep.join(map(str, path))} if path else {}
    keys = {
        "autonomy.tenants": str(home / "tenants"),
        "autonomy.data": str(home / "data"),
        "autonomy.pool_size": str(connections),
        "autonomy.log_format": "json",
        "autonomy.owner_url": postgresql.url(name),
        "sqlalchemy.url": postgresql.url(name, APPLICATION_ROLE),
        **(settings or {}),
    }
    installation = Installation(conninfo(postgresql, name), home / "server.ini", keys, environment)
    lines = [f"{key} = {value.replace('%', '%%')}\n" for key, value in keys.items()]
    installation.config.write_text("".join(["[app:main]\nuse = egg:autonomy-server\n", *lines]), "utf-8")
    if path:
        _migrate(installation)
    execute(installation.address, PRODUCTS)
    return installation


def offer(directory: Path, plugins: Mapping[str, str]) -> Path:
    """Write the metadata of an installed distribution that offers plugins.

    Processes with the directory in their path find the plugins.

    Args:
        directory: the directory to create.
        plugins: the module of each plugin.

    Returns:
        The directory.
    """
    information = directory / "bench_plugins-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-plugins\nVersion: 0\n", "utf-8")
    lines = [f"[{ENTRY_POINT_GROUP}]", *(f"{name} = {module}" for name, module in plugins.items())]
    (information / "entry_points.txt").write_text("\n".join([*lines, ""]), "utf-8")
    return directory


@cache
def _migrated(postgresql: EmbeddedServer) -> str:
    """Create the database that the installations copy, because a copy takes less time than a migration.

    Returns:
        Its name.
    """
    name = "bench_migrated"
    postgresql.create_database(name)
    installed = components(Plugins.from_entry_points())
    migrate(postgresql.url(name), installed, application_role=APPLICATION_ROLE)
    return name


def _migrate(installation: Installation) -> None:
    """Migrate in a separate process, because this one must not import the additional plugins."""
    done = subprocess.run(
        [Path(sys.executable).parent / "autonomy", "--config", installation.config, "migrate"],
        cwd=ROOT,
        env={**os.environ, **installation.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"The database cannot be migrated: {done.stderr[-2000:]}")
