"""Counters of the process, which `metrics` exports. Features call the functions of this module.

The number of label values is limited by design: they are classes and statuses, not paths or ids.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from autonomy_core.tallies import Tally

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "autonomy_http_requests",
    "Requests answered.",
    ["method", "status", "resource"],
    registry=REGISTRY,
)
DURATION = Histogram(
    "autonomy_http_request_duration_seconds",
    "From the request's head to the answer's; a body that is streamed comes later.",
    ["resource"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
ORGANISATION_REQUESTS = Tally(
    "autonomy_organisation_requests",
    "Requests answered, by organisation and first digit of the status.",
    ["organisation", "status_class"],
    REGISTRY,
)
PAYMENTS_SETTLED = Tally(
    "autonomy_payments_settled",
    "Changes of a payment's status. One that is rolled back and made again may count twice.",
    ["organisation", "environment", "status"],
    REGISTRY,
)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_request(
    *, method: str, status: int, resource: str, organisation: str | None, seconds: float
) -> None:
    """Count one answered request.

    Args:
        method: the HTTP method.
        status: the HTTP status.
        resource: the result of `resource_of`.
        organisation: the organisation's id; None for a request without organisation.
        seconds: the duration, in seconds.
    """
    _with(REQUESTS, method if method in METHODS else "other", status, resource).inc()
    _with(DURATION, resource).observe(seconds)
    if organisation is not None:
        ORGANISATION_REQUESTS.count(organisation, f"{status // 100}xx")


def count_payment_settled(organisation: str, environment: str, status: str) -> None:
    """Count a change of a payment's status."""
    PAYMENTS_SETTLED.count(organisation, environment, status)


@lru_cache(maxsize=4096)
def _with(metric: Any, *labels: Any) -> Any:
    """A metric with labels. This cache is faster than the metric's own lookup."""
    return metric.labels(*labels)
