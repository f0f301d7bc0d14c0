"""Alarms, for plugins: what a person has to look at, because no job can put it right."""

from __future__ import annotations

from autonomy_core.alarms.services import clear_alarm, raise_alarm

__all__ = ["clear_alarm", "raise_alarm"]
