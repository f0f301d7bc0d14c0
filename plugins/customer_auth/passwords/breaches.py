"""Asks a service of Have I Been Pwned whether a password is known from breaches.

The service is sent the first five of forty digits of the password's SHA-1, which hundreds of passwords share
(k-anonymity). Padding hides from the network how many.
"""

from __future__ import annotations

import hashlib

import requests
import structlog

from customer_auth.domain import prepare_password
from customer_auth.limits.limited_http import LimitedSession

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 2.0
"""After this time the question is given up, and the password accepted: see `is_breached`."""

PREFIX = 5


def is_breached(url: str, password: str, *, longest_wait_s: float = LONGEST_WAIT_S) -> bool:
    """Return whether a password is known from breaches.

    If the service does not answer, the result is False: an outage there must not prevent registrations here.
    Do not call it in a transaction.

    Args:
        url: the service; the first digits of the hash are appended.
        password: as it was sent.
        longest_wait_s: how long the service may take.
    """
    digest = hashlib.sha1(prepare_password(password).encode(), usedforsecurity=False).hexdigest().upper()
    try:
        with LimitedSession() as session:
            session.limit(longest_wait_s)
            answer = session.get(url + digest[:PREFIX], headers={"Add-Padding": "true"})
            if answer.status_code != requests.codes.ok:
                raise requests.HTTPError(f"status {answer.status_code}", response=answer)
    except requests.RequestException as error:
        log.warning("customer_auth.breach_service_failed", reason=type(error).__name__)
        return False
    lines = answer.content.decode("ascii", "replace").splitlines()
    counts = dict(line.strip().split(":", 1) for line in lines if ":" in line)
    # A line of padding has the count 0.
    return counts.get(digest[PREFIX:], "0") != "0"
