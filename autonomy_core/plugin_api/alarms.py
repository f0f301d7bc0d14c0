"""Alarms, for plugins: faults that an operator has to repair because no job can."""

from __future__ import annotations

from autonomy_core.alarms.services import clear_alarm, raise_alarm

__all__ = ["clear_alarm", "raise_alarm"]
