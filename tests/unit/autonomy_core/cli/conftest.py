import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from click.testing import CliRunner, Result

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE
from autonomy_core.testing import stand_ins
from autonomy_core.testing.database import make_migrated
from tests.support.refused_port import REFUSING

PLUGINS = Plugins({stand_ins.NAME: stand_ins})


@dataclass
class Site:
    """A directory with a server's ini file and two organisations."""

    directory: Path
    plugins: Plugins

    @property
    def ini(self) -> Path:
        return self.directory / "server.ini"

    @property
    def owner_url(self) -> str:
        lines = self.ini.read_text().splitlines()
        line = next(line for line in lines if line.startswith("autonomy.owner_url"))
        return line.partition(" = ")[2].replace("%%", "%")

    def write(self, **settings):
        keys = {
            "autonomy.tenants": self.directory / "tenants",
            "autonomy.data": self.directory / "data",
            **settings,
        }
        lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in keys.items()]
        self.ini.write_text("\n".join(["[app:main]", "use = egg:autonomy-server", *lines, ""]))

    def run(self, *arguments, config=None) -> Result:
        context = CliContext()
        context.plugins = self.plugins
        return CliRunner().invoke(command, ["--config", str(config or self.ini), *arguments], obj=context)


def write_organisation(directory, name):
    text = f"[organisation]\nname = {name}\nhosts = {name}.example\ncurrency = eur\nplugins = stand_ins\n"
    (directory / f"{name}.ini").write_text(text)


@pytest.fixture(autouse=True)
def logging_as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def directory(tmp_path):
    """With two organisations."""
    (tmp_path / "tenants").mkdir()
    for name in ("acme", "zenith"):
        write_organisation(tmp_path / "tenants", name)
    return tmp_path


@contextmanager
def site_with(postgresql, directory, template=None):
    """A site, with a database on a server that is not the embedded one."""
    database = f"cli_{uuid4().hex}"
    postgresql.create_database(database, template=template)
    site = Site(directory, PLUGINS)
    urls = {
        "sqlalchemy.url": postgresql.url(database, APPLICATION_ROLE),
        "autonomy.owner_url": postgresql.url(database),
    }
    site.write(**urls)
    yield site
    postgresql.drop_database(database)


@pytest.fixture
def bare(directory):
    """The site, with a database at which nothing listens."""
    site = Site(directory, PLUGINS)
    site.write(**{"sqlalchemy.url": f"postgresql://autonomy_app@{REFUSING}/autonomy"})
    return site


@pytest.fixture
def unmigrated(postgresql, directory):
    """The site, with an empty database."""
    with site_with(postgresql, directory) as site:
        yield site


@pytest.fixture(scope="session")
def migrated(postgresql):
    """The name of a database as the command migrates it."""
    return make_migrated(postgresql, PLUGINS, "cli_template")


@pytest.fixture
def site(postgresql, directory, migrated):
    """The site, with a migrated database."""
    with site_with(postgresql, directory, migrated) as site:
        yield site
