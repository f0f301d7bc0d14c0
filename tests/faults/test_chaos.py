"""Customers buy while real processes are killed and events are lost: in the end both ledgers agree.

The long version is ``make chaos``, see docs/faults.md.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autonomy_core.db.embedded import EmbeddedServer
from tests.faults.chaos import carry_out, report
from tests.faults.clock import Clock
from tests.faults.evidence import Stripe, violations
from tests.faults.installation import installed, wait_for
from tests.faults.mail_process import arrived
from tests.faults.plan import VICTIMS, Plan

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
SHORT = Plan(seed="40", purchases=20, kills=len(VICTIMS))


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    directory = tmp_path_factory.mktemp("chaos") / "run"
    with installed(directory, f"--chaos={SHORT.seed}") as made:
        made.stock = made.set_up()
        yield made


@pytest.fixture(scope="module")
def result(installation):
    return carry_out(SHORT, installation, installation.stock)


def test_every_sale_is_complete_after_random_kills(result):
    print(f"seed {SHORT.seed}")
    assert result.violations == [], report(result)


def test_every_process_was_killed_and_events_were_lost(result):
    assert set(result.kills) == set(VICTIMS)
    assert all(result.deliveries[what] for what in ("dropped, by chaos", "delivered")), report(result)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("UPDATE payments SET status = 'completed' WHERE status = 'expired'", "Stripe says expired"),
        ("UPDATE payments SET status = 'pending' WHERE status = 'completed'", "Stripe says"),
        ("UPDATE payments SET amount = amount + 1", "of another amount"),
        ("UPDATE payments SET environment = 'live'", "crossed the environment"),
        ("DELETE FROM grants", "has granted []"),
        ("UPDATE grants SET revoked_because = 'disputed'", "has granted [("),
        ("UPDATE payment_refunds SET amount = amount + 1", "refund known to Stripe alone"),
        ("DELETE FROM payment_disputes", "dispute known to Stripe alone"),
        ("UPDATE webhook_events SET status = 'failed'", "is failed"),
        ("DELETE FROM webhook_events", "never arrived"),
        ("DELETE FROM mail_messages", "is missing"),
        ("UPDATE mail_messages SET status = 'given_up'", "is given_up"),
        ("UPDATE mail_messages SET message_id = message_id || 'x'", "has arrived 0 times"),
        ("UPDATE payments SET completed_at = NULL", "is of a payment without money"),
        ("UPDATE stripe_payments_payments SET session_id = session_id || 'x'", "is not the session of"),
    ],
)
def test_disagreeing_ledgers_are_noticed(installation, result, wrong, complaint):
    with Clock(installation).connection() as database:
        database.execute(wrong)
        found = violations(Stripe(installation.ledger), database, arrived(installation.mailbox))
        database.rollback()
    assert any(complaint in each for each in found), found


def test_receipts_that_came_twice_without_a_kill_are_noticed(installation, result):
    sent = "SELECT count(*) FROM mail_messages WHERE template = 'payments.receipt'"
    with Clock(installation).connection() as database:
        ((receipts,),) = database.execute(sent)
        twice = 2 * arrived(installation.mailbox)
        found = violations(Stripe(installation.ledger), database, twice, most_repeated=receipts - 1)
    assert any("receipts came twice" in each for each in found), found


def test_a_restart_of_postgresql_fails_no_request(installation, result):
    """PostgreSQL is stopped and started twice under load, as for an upgrade; no process is killed."""
    plan = Plan(seed="restart", purchases=6, kills=0)
    with ThreadPoolExecutor() as pool:
        restarting = pool.submit(_restart_twice, installation)
        again = carry_out(plan, installation, installation.stock)
        restarting.result()
    assert again.violations == [], report(again)
    assert 500 not in again.statuses


def _restart_twice(installation):
    sales = Clock(installation)
    # Requests whose database went away hold their keys for two minutes, which pass at once.
    ((before,),) = sales.rows("SELECT count(*) FROM payments")
    for more in (2, 5):
        wait_for(lambda: sales.rows("SELECT count(*) FROM payments") >= [(before + more,)], "purchases")  # noqa: B023
        installation.database.stop()
        installation.database.ensure_running()
        sales.end_leases(time.time())


def test_a_run_that_is_killed_leaves_no_process_and_no_database(tmp_path):
    server = EmbeddedServer(data_dir=tmp_path / "postgresql", fast=True)
    code = (
        "import subprocess, sys, pathlib\n"
        "from autonomy_core.db.embedded import EmbeddedServer\n"
        "from tests.faults.reaper import reaping\n"
        "server = EmbeddedServer(data_dir=pathlib.Path(sys.argv[1]), fast=True)\n"
        "with reaping(server) as reaper:\n"
        "    server.ensure_running()\n"
        "    child = subprocess.Popen(['sleep', '3600'], start_new_session=True)\n"
        "    reaper.add(child.pid)\n"
        "    print(child.pid, flush=True)\n"
        "    child.wait()\n"
    )
    command = [sys.executable, "-c", code, str(server.data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        child = int(run.stdout.readline())
        assert server.is_running()
        run.kill()
    wait_for(lambda: not Path(f"/proc/{child}").exists(), "the end of its child")
    wait_for(lambda: not server.directory.exists(), "the end of its database")
