"""Objects that an event only references, so that they have to be fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["checkout.session", "refund", "dispute", "charge", "payment_intent"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an object at Stripe."""

    kind: Kind
    id: str
