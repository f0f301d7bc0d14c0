"""The header, and what becomes of it, as the API's description shows them."""

from __future__ import annotations

from typing import Any

from autonomy_core.idempotency.errors import (
    IdempotencyAnswerNotKept,
    IdempotencyInProgress,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "A new random value, such as a UUID, for each thing that is to be done once. For 24 hours the same "
    "request with the same key is not carried out again, and gets the first one's answer.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}

REPLAYED_MEANS = f"`true`: the answer to the earlier request with this {HEADER}"

ERRORS = (IdempotencyKeyInvalid, IdempotencyKeyReused, IdempotencyInProgress, IdempotencyAnswerNotKept)
