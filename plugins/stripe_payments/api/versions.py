"""The requested version of Stripe's API, and the versions in which posted events are read."""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"
"""Pinned, so that an upgrade of the SDK does not change the format of events and sessions."""

READ_AS_POSTED = frozenset({API_VERSION, "2026-08-26.dahlia"})
"""The versions in which the members that the server reads are identical. An endpoint keeps the version that
it was created with, so an endpoint of an older server still sends dahlia. For an event in any other version
the object is fetched.
Source: https://docs.stripe.com/changelog/endive.
"""
