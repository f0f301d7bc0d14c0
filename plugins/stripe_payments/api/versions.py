"""Which version of Stripe's API we ask for, and in which versions we read events as Stripe posts them."""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"
"""Pinned, so that an upgrade of the SDK does not change what events and sessions look like."""

READ_AS_POSTED = frozenset({API_VERSION, "2026-08-26.dahlia"})
"""The versions whose objects have all that we read, and alike. An endpoint keeps the version that it was made with, so an
endpoint of an earlier server still sends dahlia. Of an event of another version the object is fetched.

Source: https://docs.stripe.com/changelog/endive.
"""
