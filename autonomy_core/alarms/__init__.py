"""Alarms: faults that an operator has to repair because no job can.

An alarm stays until the fault is repaired or an operator clears the alarm.
"""
