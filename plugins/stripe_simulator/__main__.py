"""``python -m stripe_simulator``."""

from __future__ import annotations

from stripe_simulator.command import simulator

simulator(prog_name="python -m stripe_simulator")
