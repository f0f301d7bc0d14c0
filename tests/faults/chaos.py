"""``python -m tests.faults.chaos``: kill real processes while customers buy, and compare both ledgers.

==================  =====================================================================================
``plan``            what a seed decides
``installation``    the processes
``buyer``           customers, their client, staff and banks
``clock``           time passes at once
``evidence``        what must hold
``reaper``          leaves nothing behind
==================  =====================================================================================
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from autonomy_core.db.embedded import EmbeddedServerError
from tests.faults.buyer import Buyer
from tests.faults.clock import Clock
from tests.faults.evidence import Stripe, violations
from tests.faults.installation import DATABASE, SHOPS, installed, wait_for, wait_until_none
from tests.faults.mail_process import arrived
from tests.faults.plan import Plan

CONCURRENT_BUYERS = 8
MOST_ROUNDS = 40
LOOK_EVERY_S = 2.0


@dataclass
class Result:
    """The result of a run."""

    plan: Plan
    seconds: float = 0.0
    statuses: Counter = field(default_factory=Counter)
    kills: Counter = field(default_factory=Counter)
    deliveries: Counter = field(default_factory=Counter)
    mails: Counter = field(default_factory=Counter)
    violations: list = field(default_factory=list)


class Killer(threading.Thread):
    """Kill as planned and restart dead processes, as a service manager does, until stopped."""

    def __init__(self, installation, clock, schedule):
        super().__init__()
        self._installation, self._clock, self._left = installation, clock, list(schedule)
        self._moments, self._lock = 0, threading.Lock()
        self._ended = threading.Event()
        self._mended_at, self._look_at = time.time(), 0.0
        self.kills = Counter()
        self.error = None

    def moment(self):
        """A purchase begins, or ends."""
        with self._lock:
            self._moments += 1

    def stop(self):
        self._ended.set()
        self.join()

    def run(self):
        try:
            while not self._ended.wait(0.05):
                self._kill_what_is_due()
                self._mend()
                # Requests whose server or database has died hold their keys for minutes.
                with suppress(psycopg.Error):
                    self._clock.end_leases(self._mended_at)
        except Exception as error:  # noqa: BLE001 - the waiting thread reports it
            self.error = error

    def _kill_what_is_due(self):
        with self._lock:
            due = [kill for kill in self._left if kill.moment <= self._moments]
        if not due:
            return
        self._left = self._left[len(due) :]
        for kill in due:
            time.sleep(kill.wait_s)
            self._installation.kill(kill.victim)
            self.kills[kill.victim] += 1
        # Several that are due at once are dead together.
        time.sleep(max(kill.dead_s for kill in due))
        self._look_at = 0.0

    def _mend(self):
        """Start what is dead: killed, ended by itself, or in vain started before."""
        if time.monotonic() < self._look_at:
            return
        with suppress(EmbeddedServerError):
            if self._installation.keep_running():
                self._mended_at = time.time()
        self._look_at = time.monotonic() + LOOK_EVERY_S


def run(plan, directory):
    """Carry a plan out in a new directory; gives the `Result`. Nothing is left but the directory's files."""
    began = time.monotonic()
    with installed(directory, f"--chaos={plan.seed}") as installation:
        result = carry_out(plan, installation, installation.set_up())
    result.seconds = time.monotonic() - began
    return result


def carry_out(plan, installation, stock):
    """Make all purchases of the plan, and then compare the ledgers.

    Args:
        stock: what `Installation.set_up` gave.
    """
    result = Result(plan)
    repeated_before = _repeated(arrived(installation.mailbox))
    clock, stripe = Clock(installation), Stripe(installation.ledger)
    result.statuses, result.kills = _sell(installation, clock, plan, stock)
    installation.wait_until_ready()
    clock.bury_dead_workers()
    _settle(clock, stripe, result)
    with clock.connection() as database:
        mail = arrived(installation.mailbox)
        # Each kill may have interrupted the worker between a mail and the note that it was sent.
        most = repeated_before + sum(result.kills.values())
        result.violations += violations(stripe, database, mail, most_repeated=most)
    result.mails = Counter(mails=len(mail), repeated=_repeated(mail))
    result.deliveries = _deliveries(stripe)
    return result


def _sell(installation, clock, plan, stock):
    """Make all purchases while the killer runs."""
    killer = Killer(installation, clock, plan.schedule())
    killer.start()
    try:
        with ThreadPoolExecutor(CONCURRENT_BUYERS) as pool:
            buyers = [
                Buyer(installation, each, *stock[each.shop], killer.moment) for each in plan.customers()
            ]
            statuses = Counter()
            for told in pool.map(Buyer.buy_everything, buyers):
                statuses.update(told)
        wait_for(lambda: killer.error or sum(killer.kills.values()) == plan.kills, "the last kill")
    finally:
        killer.stop()
        if killer.error:
            raise killer.error
    return statuses, killer.kills


def _settle(clock, stripe, result):
    """Let days pass until nothing waits any more and nothing new has happened."""
    for _ in range(MOST_ROUNDS):
        wait_until_none(stripe.pending_deliveries, "the last delivery")
        before = stripe.events()
        clock.let_a_day_pass()
        if not clock.waiting_jobs() and stripe.events() == before:
            return
    result.violations.append(f"after {MOST_ROUNDS} days there are jobs that wait")


def _repeated(mail):
    """How many mails have arrived once more."""
    return len(mail) - len(set(mail))


def _deliveries(stripe):
    """The number of events for each fault of their delivery."""
    counted = Counter(events=len(stripe.all("event")))
    for delivery in stripe.all("delivery"):
        counted[delivery["status"]] += 1
        for attempt in delivery["attempts"]:
            counted[attempt["error"] or "answered"] += 1
    return counted


def main():
    options = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__.split("\n")[0])
    options.add_argument("--seed", default="1")
    options.add_argument("--purchases", type=int, default=100, help="in each of the two shops")
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--keep", type=Path, help="a new directory for the logs and the simulator's ledger")
    chosen = options.parse_args()
    plan = Plan(chosen.seed, chosen.purchases, chosen.kills)
    print(f"Seed {plan.seed}: {len(SHOPS)} x {plan.purchases} purchases, {plan.kills} kills", flush=True)
    with tempfile.TemporaryDirectory(prefix="autonomy-chaos-") as directory:
        result = run(plan, chosen.keep or Path(directory) / "run")
    print(report(result))
    sys.exit(bool(result.violations))


def report(result):
    """The result as text; the first line is a row of the table in docs/faults.md."""
    plan, deliveries = result.plan, result.deliveries
    row = (
        plan.seed,
        f"{len(SHOPS)} x {plan.purchases}",
        f"{sum(result.kills.values())} ({result.kills[DATABASE]} of the database)",
        deliveries["events"],
        deliveries["failed"],
        deliveries["dropped, by chaos"],
        f"{result.seconds:.0f} s",
        len(result.violations),
    )
    lines = [f"| {' | '.join(map(str, row))} |"]
    lines += [
        f"kills: {dict(result.kills)}",
        f"answers: {dict(result.statuses)}",
        f"deliveries: {dict(deliveries)}",
        f"mails: {dict(result.mails)}",
    ]
    return "\n".join(lines + [f"VIOLATION {each}" for each in result.violations])


if __name__ == "__main__":
    main()
