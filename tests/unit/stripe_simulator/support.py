"""Helpers of the simulator's tests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import stripe

TIMEOUT_S = 60
"""Seconds to wait for something that happens in the background, before a test gives up."""


def until(condition: Callable[[], Any]) -> Any:
    """Wait until ``condition`` returns something true, and return that."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


@dataclass
class Delivery:
    body: bytes
    headers: dict[str, str]

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def verify(self, secret: str) -> bool:
        return stripe.WebhookSignature.verify_header(
            self.body, self.headers["Stripe-Signature"], secret, tolerance=300
        )


@dataclass
class Listener:
    """A web server that answers the given statuses in turn, and then the last one every time."""

    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[Delivery] = field(default_factory=list)
    url: str = ""
    secret: str = "whsec_chosen_by_the_test"

    def types(self) -> list[str]:
        return [delivery.event["type"] for delivery in self.received]

    def answer(self, delivery: Delivery) -> int:
        self.received.append(delivery)
        return self.statuses[min(len(self.received), len(self.statuses)) - 1]
