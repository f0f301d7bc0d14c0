"""``python -m stripe_payments.simulator``."""

from __future__ import annotations

from stripe_payments.simulator.command import simulator

simulator(prog_name="python -m stripe_payments.simulator")
