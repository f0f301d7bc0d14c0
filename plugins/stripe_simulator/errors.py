"""The API's errors, in Stripe's format (https://docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """An error of the API.

    ``status`` is the HTTP status. ``error_type`` and ``code`` are Stripe's. ``param`` is the offending
    parameter in Stripe's bracket notation, for example ``line_items[0][quantity]``. ``headers`` are added to
    the response, and ``details`` to the error object.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.error_type = error_type
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.details = details or {}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body: ``{"error": {...}}`` with the members that have a value."""
        members = {"type": self.error_type, "code": self.code, "message": self.message, "param": self.param}
        given = {name: value for name, value in members.items() if value is not None}
        return {"error": given | self.details}


def rate_limited() -> StripeError:
    """Return the 429 for an account that exceeds its rate (https://docs.stripe.com/rate-limits)."""
    return StripeError(
        "Request rate limit exceeded. See https://docs.stripe.com/rate-limits.",
        status=429,
        code="rate_limit",
        headers={"Stripe-Rate-Limited-Reason": "global-rate"},
    )


def lock_timeout() -> StripeError:
    """Return the 429 for an object that another request changes; it lacks ``Stripe-Rate-Limited-Reason``."""
    return StripeError(
        "This object cannot be accessed right now because another API request is currently accessing it.",
        status=429,
        code="lock_timeout",
    )


def key_in_use(key: str) -> StripeError:
    """Return the 409 for an idempotency key whose first request is in progress."""
    return StripeError(
        f"Another request with the idempotency key '{key}' is in progress; try again.",
        status=409,
        error_type="idempotency_error",
        code="idempotency_key_in_use",
    )


def resource_missing(kind: str, identifier: str, param: str = "id") -> StripeError:
    """Return the 404 for an object that does not exist, or belongs to another account."""
    return StripeError(f"No such {kind}: '{identifier}'", status=404, code="resource_missing", param=param)
