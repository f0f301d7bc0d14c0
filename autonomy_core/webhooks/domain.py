"""The statuses of events, the limits of retries, and the personal parts of events. No framework."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from autonomy_core.customers.domain import without_addresses

STATUSES = ("received", "processed", "ignored", "set_aside", "failed")
"""Every status that an event can have."""

TO_HANDLE = ("received", "failed")
"""The statuses of events that are still to be handled."""

RETRY_AFTER_S = 60
"""Delay of the retry of an event whose handling failed."""

RACE_AFTER_S = 2
"""Delay of the retry of an event whose payment may have become known during the lookup."""

ATTEMPT_LIMIT = 12
"""Attempts of an event whose payment is unknown: with the job's back-off a little more than an hour."""

NOTHING_TRIED = "nothing was tried"
"""The lookups of an event that could not be understood."""

NOT_HANDLED = "events of this type are not handled"
"""Why an event is ignored."""


def reason_not_fetched(title: str) -> str:
    """Return the reason of an event that waits because the provider does not answer.

    Args:
        title: the name of the provider for people.
    """
    return f"{title} has not said yet what it is about"


def redacted(document: Any, personal: Collection[str], addresses: Collection[str] = ()) -> Any:
    """Return a copy of a JSON document without personal data.

    Args:
        document: the document.
        personal: the names of members whose values become null, wherever they are.
        addresses: e-mail addresses, which are removed from every text.
    """
    if isinstance(document, dict):
        return {
            name: None if name in personal else redacted(value, personal, addresses)
            for name, value in document.items()
        }
    if isinstance(document, list):
        return [redacted(value, personal, addresses) for value in document]
    if isinstance(document, str) and addresses:
        return without_addresses(document, addresses)
    return document


def personal_parts(document: Any, personal: Collection[str]) -> list[dict[str, Any]]:
    """Return the personal members of a JSON document, in their order, without those that are null."""
    if isinstance(document, dict):
        own = [{name: value} for name, value in document.items() if name in personal and value is not None]
        return own + [
            part
            for name, value in document.items()
            if name not in personal
            for part in personal_parts(value, personal)
        ]
    if isinstance(document, list):
        return [part for value in document for part in personal_parts(value, personal)]
    return []
