"""``autonomy worker``"""

from __future__ import annotations

import asyncio

import click

from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.cli.parameters import NumberType
from autonomy_core.jobs.worker import run
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.operations.logging import configure_logging
from autonomy_core.operations.signals import reload_on_hangup


@click.command()
@click.option(
    "--concurrency",
    default=4,
    show_default=True,
    type=NumberType(1, 64),
    help="The number of jobs that run at once, each in a thread.",
)
@pass_cli
def worker(cli: CliContext, concurrency: int) -> None:
    """Run jobs until SIGINT or SIGTERM, then finish the current ones.

    SIGHUP reloads the organisations' files. The worker waits while the database is unavailable or unmigrated.
    """
    runtime = runtime_of(cli)
    runtime.settings.require_tenants()
    configure_logging(runtime.settings.log_format, runtime.settings.log_level)
    if runtime.embedded is not None:
        runtime.embedded.run_with_process()
    runtime.tenants.start()
    reload_on_hangup(runtime.tenants)
    asyncio.run(run(runtime, concurrency=concurrency))
