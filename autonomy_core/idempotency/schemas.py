"""The header in the API's description."""

from __future__ import annotations

from typing import Any

from autonomy_core.idempotency.domain import SHORTEST_UNAUTHENTICATED
from autonomy_core.idempotency.errors import (
    IdempotencyAnswerNotKept,
    IdempotencyInProgress,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


def parameter(*, is_public: bool) -> dict[str, Any]:
    """Return the header's description.

    Args:
        is_public: whether the call needs no login, so that unrelated clients could choose the same key.
    """
    shortest = SHORTEST_UNAUTHENTICATED if is_public else 1
    return {
        "in": "header",
        "name": HEADER,
        "required": False,
        "description": "A new random value, such as a UUID, for each action that must be executed once. For "
        "24 hours, the same request with the same key is not executed again, and gets the first answer. "
        f"Without a login it has at least {SHORTEST_UNAUTHENTICATED} characters.",
        "schema": {"type": "string", "pattern": f"^[!-~]{{{shortest},255}}$"},
    }


REPLAYED_MEANS = f"`true`: the answer to the earlier request with this {HEADER}"

ERRORS = (IdempotencyKeyInvalid, IdempotencyKeyReused, IdempotencyInProgress, IdempotencyAnswerNotKept)
