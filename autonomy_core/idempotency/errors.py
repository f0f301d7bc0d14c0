"""Why a key is not taken, or its answer not given."""

from __future__ import annotations

from autonomy_core.errors import Conflict, InvalidInput, Malformed


class IdempotencyKeyInvalid(Malformed):
    """The header is no key."""

    code, title = "idempotency_key_invalid", "The Idempotency-Key cannot be used"


class IdempotencyKeyReused(InvalidInput):
    """The key has been used for another request. It is answered the same whether there was an answer to give or not."""

    code, title = "idempotency_key_reused", "The Idempotency-Key belongs to another request"
    # That somebody has tried is kept, see `services.answer_again`.
    commits = True


class IdempotencyInProgress(Conflict):
    """Another request with this key is under way; ``retry_after`` says when to ask again."""

    code, title = "idempotency_in_progress", "A request with this Idempotency-Key is under way"


class IdempotencyAnswerNotKept(Conflict):
    """The request was carried out, and its answer was too large to keep, or a stream, or cannot be read any more."""

    code, title = "idempotency_answer_not_kept", "The request was carried out, and its answer was not kept"
