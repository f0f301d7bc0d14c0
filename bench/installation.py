"""This project, installed as an administrator would: an ini file, a migrated database, granian."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.plugin_api.hooks import ENTRY_POINT_GROUP
from autonomy_core.runtime import APPLICATION_ROLE
from bench.database import conninfo
from bench.server import ROOT, Server, ServerError, serving

ORGANISATION = "bench"
HOST = "shop.example"


@dataclass(frozen=True)
class Installation:
    """This project in a directory and a database of its own.

    Attributes:
        address: of its database, for the owner.
        config: its ini file.
        environment: added to ours for its processes.
    """

    address: str
    config: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def serving(self, threads: int) -> AbstractContextManager[Server]:
        """Serve it until the end of the block."""
        environment = {**self.environment, "AUTONOMY_CONFIG": str(self.config)}
        log = self.config.with_suffix(".log")
        return serving("autonomy_core.cli.wsgi:app", threads=threads, environment=environment, log=log)


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
    """Make a directory and a database, and migrate it.

    Args:
        name: of the database, and of the directory below ``directory``.
        connections: that the application keeps.
        tenant: the ini file of its one organisation.
        settings: more keys of the server's ini file.
        path: directories with more plugins, see `offer`.

    Raises:
        ServerError: it cannot be migrated; the message says why.
    """
    postgresql.create_database(name)
    home = directory / name
    (home / "tenants").mkdir(parents=True)
    (home / "tenants" / f"{ORGANISATION}.ini").write_text(tenant, "utf-8")
    environment = {"PYTHONPATH": os.pathsep.join(map(str, path))} if path else {}
    installation = Installation(conninfo(postgresql, name), home / "server.ini", environment)
    keys = {
        "use": "egg:autonomy-server",
        "autonomy.tenants": str(home / "tenants"),
        "autonomy.data": str(home / "data"),
        "autonomy.pool_size": str(connections),
        "autonomy.log_format": "json",
        "autonomy.owner_url": postgresql.url(name),
        "sqlalchemy.url": postgresql.url(name, APPLICATION_ROLE),
        **(settings or {}),
    }
    lines = [f"{key} = {value.replace('%', '%%')}\n" for key, value in keys.items()]
    installation.config.write_text("".join(["[app:main]\n", *lines]), "utf-8")
    _migrate(installation)
    return installation


def offer(directory: Path, plugins: Mapping[str, str]) -> Path:
    """Make what an installed distribution leaves, so that its plugins are found by whoever has the directory in its path.

    Args:
        plugins: the module of each.

    Returns:
        The directory.
    """
    information = directory / "bench_plugins-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-plugins\nVersion: 0\n", "utf-8")
    lines = [f"[{ENTRY_POINT_GROUP}]", *(f"{name} = {module}" for name, module in plugins.items())]
    (information / "entry_points.txt").write_text("\n".join([*lines, ""]), "utf-8")
    return directory


def _migrate(installation: Installation) -> None:
    """In a process of its own: the plugins that are only here must not be imported into ours."""
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
