"""Errors: a key that is refused, or an answer that cannot be replayed."""

from __future__ import annotations

from autonomy_core.errors import Conflict, InvalidInput, Malformed


class IdempotencyKeyInvalid(Malformed):
    """The header's value is not a valid key."""

    code, title = "idempotency_key_invalid", "The Idempotency-Key cannot be used"


class IdempotencyKeyReused(InvalidInput):
    """The key was used for a different request.

    The response does not depend on whether an answer is stored.
    """

    code, title = "idempotency_key_reused", "The Idempotency-Key belongs to another request"
    # The failed attempt is recorded, see `services.answer_again`.
    commits = True


class IdempotencyInProgress(Conflict):
    """Another request with this key is in progress; ``retry_after`` gives the seconds to wait."""

    code, title = "idempotency_in_progress", "A request with this Idempotency-Key is under way"


class IdempotencyAnswerNotKept(Conflict):
    """The request was executed, but its answer was streamed, too large to store, or cannot be decrypted."""

    code, title = "idempotency_answer_not_kept", "The request was carried out, and its answer was not kept"
