"""``autonomy serve``: serves the API with granian."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import shutil
import signal
import socket
import tempfile
from functools import partial
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.parameters import NumberType
from autonomy_core.cli.server_ini import read_listen
from autonomy_core.cli.wsgi import edge_in_worker
from autonomy_core.edge.limits import HEAD_BYTES, HEAD_S, MOST_CONNECTIONS, Limits
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.operations.logging import configure_logging

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

FILES_OF_ITS_OWN = 500
"""The most files that a process opens besides those of its connections: database, logs, code."""

SECONDS_TO_FINISH = 20
"""How long a stopping worker process may work on its current requests."""


@click.command()
@click.option("--host", help="The address to listen on; by default the ini file's, or else 127.0.0.1.")
@click.option(
    "--port",
    type=NumberType(0, 65535),
    help="The port; 0 for any free one. By default that of [server:main] in the ini file, or else 6543.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=NumberType(1, 64),
    help="Processes; one for each core.",
)
@click.option(
    "--threads",
    default=64,
    show_default=True,
    type=NumberType(1, 512),
    help="Threads of each process: the requests that it handles at once. Slow clients occupy none.",
)
@pass_cli
def serve(cli: CliContext, host: str | None, port: int | None, workers: int, threads: int) -> None:
    """Serve the API until SIGINT or SIGTERM. SIGHUP reloads the organisations' files."""
    # With --port the file's section is not read, because it may belong to another server.
    listening = ("127.0.0.1", 6543) if port is not None else read_listen(cli.config)
    host, port = host or listening[0], listening[1] if port is None else port
    if workers > 1:
        use_metric_files()
    # Before the port: another server may use it, and the ini file is still wrong.
    cli.settings.require_tenants()
    free = find_port(host, port)
    prepare(cli)
    click.echo(f"Autonomy Server on http://{f'[{host}]' if ':' in host else host}:{free}")
    run_granian(cli, host, free, workers, threads)


def find_port(host: str, port: int) -> int:
    """Return the port, or a free port for 0.

    Raises:
        Failure: the port is in use, or the address is not available. granian itself would share
            the port with another granian.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(address)
            attempt.listen(1)
            return int(attempt.getsockname()[1])
    except (socket.gaierror, UnicodeError):
        raise Failure(f"{host!r} is not an address of this machine. Choose another with --host.") from None
    except OSError as error:
        option = "--port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "--host"
        raise Failure(
            f"Cannot listen at {host}, port {port}: {error.strerror}. Choose another with {option}."
        ) from None


def use_metric_files() -> None:
    """Store metrics in shared files, so that each process can sum them.

    Call this before the settings are read. They load the plugins. Those import ``prometheus_client``, which
    decides then.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory = tempfile.mkdtemp(prefix="autonomy-metrics-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)


def prepare(cli: CliContext) -> None:
    """Load the plugins before listening, and run the embedded database as long as the server."""
    runtime = runtime_of(cli)
    logging.getLogger("_granian").addFilter(is_worth_logging)
    configure_logging(runtime.settings.log_format, runtime.settings.log_level)
    if runtime.embedded is not None:
        runtime.embedded.run_with_process()


def is_worth_logging(record: logging.LogRecord) -> bool:
    """Return whether to log a message of granian: disconnecting clients are not logged."""
    return "transport error" not in record.getMessage()


def allow_many_connections() -> int:
    """Raise the limit of open files to the maximum.

    Returns:
        The number of connections of a process. A connection may need a second file for its body or response.
    """
    most = MOST_CONNECTIONS
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard != resource.RLIM_INFINITY:
            most = min(most, max(hard - FILES_OF_ITS_OWN, 2) // 2)
    return most


def run_granian(cli: CliContext, host: str, port: int, workers: int, threads: int) -> None:
    """Run worker processes and restart those that fail."""
    settings = cli.settings
    config, limits = str(cli.config.absolute()), Limits.of(settings)
    load = partial(edge_in_worker, config, limits, threads, settings.trusted_proxies)
    make_server(host, port, workers).serve(target_loader=load, wrap_loader=False)


def make_server(host: str, port: int, workers: int, *, head_s: float = HEAD_S) -> Any:
    """Return a granian server that is configured for the edge.

    Args:
        host, port: where it listens.
        workers: the number of processes.
        head_s: see `HEAD_S`.
    """

    class ReloadingServer(Server):  # type: ignore[misc, valid-type]
        """On SIGHUP it forwards the signal to its workers, where granian would replace them."""

        def signal_handler_reload(self, *_: Any, **__: Any) -> None:
            for worker in self.wrks:
                os.kill(worker.inner.pid, signal.SIGHUP)

    return ReloadingServer(
        "autonomy_core.cli.wsgi",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=round(head_s * 1000), max_buffer_size=HEAD_BYTES),
        websockets=False,
        workers=workers,
        backpressure=allow_many_connections(),
        respawn_failed_workers=True,
        workers_kill_timeout=SECONDS_TO_FINISH,
        # No access log: it would contain query strings, and those contain signatures.
        log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
    )
