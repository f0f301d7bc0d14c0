"""A real S3 server, SeaweedFS, that verifies signatures. It is started once per session of tests."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import StoreSettings

PROGRAM = Path(sys.executable).with_name("weed")
TIMEOUT_S = 120
ACCESS_KEY, SECRET_KEY = "TESTACCESSKEY", "a-secret-key-of-tests"
PORTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")


@dataclass
class S3Server:
    """The running server.

    Attributes:
        directory: of its data, its settings and its log.
        ports: by the names in `PORTS`.
        process: of the server.
    """

    directory: Path
    ports: dict[str, int]
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3']}"

    def start(self) -> None:
        """Start the process with the data of the one before, and wait until it answers."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                _command(self.directory, self.ports),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
            )
        _wait_for(self._answers)

    def kill(self) -> None:
        """Kill the process, as ``kill -9`` does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the S3 server has ended"
        try:
            urllib.request.urlopen(self.endpoint, timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def store(self, path: str, **changes: str) -> StoreSettings:
        """The settings of ``s3://<path>``."""
        values = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, **changes}
        keys = {name: Secret(values.pop(name)) for name in ("access_key", "secret_key")}
        return StoreSettings(
            f"s3://{path}", **{"endpoint": self.endpoint, "path_style": True, **values}, **keys
        )

    def ini(self, path: str, prefix: str = "") -> dict[str, str]:
        """The keys of a server's ini file for ``s3://<path>``, with the secrets in `environment`."""
        values = {
            "url": f"s3://{path}",
            "endpoint": self.endpoint,
            "access_key": "env:TEST_S3_ACCESS_KEY",
            "secret_key": "env:TEST_S3_SECRET_KEY",
        }
        return {f"autonomy.files.{prefix}{key}": value for key, value in values.items()}

    @property
    def environment(self) -> dict[str, str]:
        """What the references in `ini` refer to."""
        return {"TEST_S3_ACCESS_KEY": ACCESS_KEY, "TEST_S3_SECRET_KEY": SECRET_KEY}

    def make_bucket(self, name: str) -> None:
        """Create a bucket, and wait until it takes files."""
        config = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "endpoint": self.endpoint}
        store = S3Store(name, config=config, region="us-east-1", client_options={"allow_http": True})
        url = obstore.sign(store, "PUT", "", timedelta(minutes=5))
        urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=TIMEOUT_S).close()

        def takes_files() -> bool:
            try:
                obstore.put(store, "probe", b"1")
                obstore.delete(store, "probe")
            except BaseError:
                return False
            return True

        _wait_for(takes_files)


@contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """Run the server with its data in a new directory."""
    (directory / "data").mkdir(parents=True)
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin"]}
    (directory / "s3.json").write_text(json.dumps({"identities": [identity]}))
    with _reserved_ports(len(PORTS)) as numbers:
        server = S3Server(directory, dict(zip(PORTS, numbers, strict=True)))
        try:
            server.start()
            yield server
        finally:
            server.kill()
            for port in numbers:
                for path in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                    path.unlink(missing_ok=True)


def _command(directory: Path, ports: dict[str, int]) -> list[str | Path]:
    command = [PROGRAM, "-logtostderr", "server", "-filer", "-s3", "-s3.iam=false", "-ip=127.0.0.1"]
    command += ["-ip.bind=127.0.0.1", f"-dir={directory / 'data'}", f"-s3.config={directory / 's3.json'}"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=40"]
    # A restarted master waits for votes before it elects itself. There are no others.
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.electionTimeout=1s"]
    command += [f"-{name.replace('.', '.port.')}={port}" for name, port in ports.items() if "." in name]
    command += [f"-{name}.port={port}" for name, port in ports.items() if "." not in name]
    return command


def _wait_for(found: object) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not found():  # type: ignore[operator]
        assert time.monotonic() < deadline, "the S3 server does not answer"
        time.sleep(0.05)


@contextmanager
def _reserved_ports(number: int) -> Iterator[list[int]]:
    """Free ports that no other test process on this machine chooses, until the block ends.

    They are below the ephemeral ports, since a client's connection could take one of those meanwhile.
    """
    for first in range(20_000, 32_000, number):
        with (Path(tempfile.gettempdir()) / f"autonomy-tests-ports-{first}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            ports = list(range(first, first + number))
            if all(_is_free(port) for port in ports):
                yield ports
                return
    raise AssertionError("no ports are free")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
