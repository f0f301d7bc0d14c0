"""The Protocol of webhook sources: a plugin verifies and handles a provider's webhooks.

The core does the rest in `autonomy_core.webhooks`: endpoint, inbox, retries, replays, counts and timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable
from uuid import UUID

from autonomy_core.errors import Malformed, Unavailable
from autonomy_core.tenancy.domain import Environment

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from autonomy_core.kernel.scope import TenantScope

Origin = Literal["webhook", "fetched"]
"""The origin of an event: a signed webhook of the provider, or a request with the organisation's key."""


class BadSignature(Malformed):
    """The signature is missing, unreadable, too old or from the future, or not the provider's."""

    code, title = "bad_signature", "The signature does not vouch for this body"


class BadEvent(Malformed):
    """The signature is valid, but the body is not a readable event."""

    code, title = "bad_event", "The body is no event"


class OwnerUnknown(Unavailable):
    """Several organisations share the endpoint, and the provider cannot tell the event's owner now."""

    code, title = "event_owner_unknown", "It is not known now whose event this is"


class SetAside(Exception):
    """Raised by a handler: the event has no effect, even if it is retried. The message gives the reason."""


class NotYet(Exception):
    """Raised by a handler: the event's payment is unknown, but may become known.

    Args:
        reason: the reason, which is stored with the event.
        waits_for: the provider's reference of the payment. The event is handled when the reference becomes
            known (see `autonomy_core.plugin_api.webhooks.handle_waiting`); until then, a job retries it.
    """

    def __init__(self, reason: str, waits_for: str) -> None:
        super().__init__(reason)
        self.waits_for = waits_for


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified event.

    Attributes:
        event_id: the provider's id. With organisation, source and environment, it is the event's key.
        type: the provider's event type, for example ``checkout.session.completed``.
        environment: the environment whose secret verified the event, or whose key fetched it.
        payload: the whole event, as parsed from JSON.
        origin: how the event arrived.
        text: the JSON of a webhook's body; None for a fetched event.
        fetched: the result of `WebhookSource.fetch`, if it was called. The core sets it.
    """

    event_id: str
    type: str
    environment: Environment
    payload: dict[str, Any]
    origin: Origin = "webhook"
    text: str | None = None
    fetched: dict[str, Any] | None = None


@dataclass(slots=True)
class Search:
    """The lookups of an attempt to handle an event. They are stored with the event, even after a rollback.

    Attributes:
        scope: the organisation's scope, in the transaction of the attempt.
        environment: the environment of the event.
        tried: each lookup with its result, in order.
        matched_by: the lookup that found a payment; None if none did.
        payment_id: the id of that payment. It is not the object, which a rollback would discard.
        reference: the provider's reference of the payment, if the handler has just learnt it. The core then
            handles events that wait for it; see `NotYet`.
    """

    scope: TenantScope
    environment: Environment
    tried: list[str] = field(default_factory=list)
    matched_by: str | None = None
    payment_id: UUID | None = None
    reference: str | None = None

    def record(self, lookup: str, payment_id: UUID | None) -> None:
        """Record a lookup and the payment that it found.

        Args:
            lookup: the key of the lookup, for example ``session_id``.
            payment_id: the id of the payment; None if there is none.
        """
        self.tried.append(f"{lookup}: {'found' if payment_id else 'none'}")
        if payment_id is not None:
            self.matched_by, self.payment_id = lookup, payment_id


class StoredEvent(Protocol):
    """An event in the inbox, as a source sees it."""

    environment: Environment
    event_id: str
    type: str
    status: str
    matched_by: str | None
    payload: dict[str, Any]
    fetched: dict[str, Any] | None


@runtime_checkable
class WebhookSource(Protocol):
    """A provider whose webhooks the server receives. Subclasses must implement `verify` and `handle`.

    The provider posts to ``/api/webhook/{name}/{organisation_id}``.
    """

    name: str
    """Lower-case letters, digits and underscores. It is the URL's segment and is stored with each event."""

    title: str
    """The provider's name for people, for example ``Stripe``."""

    header: str
    """The name of the HTTP header with the signature."""

    header_description: str = "the signature of the body"
    """A description of the header, for the API description."""

    handled: frozenset[str]
    """The event types that are handled. The core stores other events without handling them."""

    personal: frozenset[str] = frozenset()
    """The names of members of its events with personal data, such as ``billing_details``.

    After the erasure of a customer they are null, so `handle` must not need them.
    """

    def verify(self, scope: TenantScope, body: bytes, signature: str | None) -> Delivery:
        """Verify that the provider sent a body to this organisation, and parse the event.

        The core calls this first and in no transaction, so that rejecting a body needs no database query.

        Args:
            scope: the scope of the organisation in the URL. Its secrets are in ``scope.settings(plugin)``.
            body: the unchanged bytes of the body.
            signature: the value of the header; None if it is missing.

        Raises:
            BadSignature: no secret of the organisation verifies the signature.
            BadEvent: the body is no event, or belongs to another environment than the secret.
        """

    def handle(self, search: Search, event_type: str, subject: Mapping[str, Any]) -> None:
        """Apply an event in the transaction of ``search.scope``, within a savepoint.

        There a commit, a rollback and ``scope.begin()`` raise NotYourTransaction, and the event is retried.
        It may run more than once for an event, so it must be idempotent. `settle` is.

        Args:
            search: records each lookup of the payment, with `Search.record`.
            event_type: one of `handled`.
            subject: the object of the event: the result of `fetch`, otherwise of `subject`.

        Raises:
            SetAside: the event has no effect, for example because it contradicts its payment.
            NotYet: the event's payment is not known yet.
            Exception: any other error is rolled back, and a job retries the event.
        """

    def subject(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object of an event; by default the whole event.

        Args:
            payload: the payload of a verified event.
        """
        return payload

    def lacking(self, payload: Mapping[str, Any]) -> Any:
        """What `fetch` must fetch before an event can be handled; by default None.

        It is for providers whose events only name their object. It runs for each event, so it must be fast.
        """
        return None

    def fetch(self, scope: TenantScope, environment: Environment, lacking: Any) -> dict[str, Any]:
        """Fetch the object of an event from the provider, in no transaction. The result is stored.

        Args:
            scope: the organisation's scope.
            environment: the environment of the event.
            lacking: the result of `lacking`.

        Raises:
            Unavailable: the provider does not answer; a job retries.
            PaymentsUnavailable: an operator must act, for example set a key; the job retries ever less often.
            NotImplementedError: by default.
        """
        raise _no_fetch(self)

    def list_undelivered(self, scope: TenantScope, since: datetime) -> Iterable[Delivery]:
        """The events that the provider could not deliver, oldest first, of all environments; by default none.

        The core calls this hourly, in no transaction. Return only events that are surely the organisation's.

        Args:
            scope: the organisation's scope.
            since: the start of the search, timezone-aware.

        Raises:
            Unavailable: the provider does not answer; the next call repeats it.
        """
        return ()

    def owner_of(self, scope: TenantScope, delivery: Delivery, signature: str) -> TenantScope:
        """The scope of the event's organisation, if several share an endpoint; by default ``scope``.

        Args:
            scope: the scope of the organisation in the URL, whose secret verified the event; in no
                transaction.
            delivery: the event.
            signature: the value of the header.

        Raises:
            OwnerUnknown: the provider must be queried and does not answer. It will deliver the event again.
        """
        return scope

    def handle_fast(self, scope: TenantScope, delivery: Delivery, timeout: float) -> str | None:
        """Store and handle an event in fewer statements than the inbox, or change nothing; by default never.

        Args:
            scope: the organisation's scope. Its own transaction is not used.
            delivery: the event.
            timeout: the limit of each statement, in seconds.

        Returns:
            The event's status; None if the inbox has to handle it.
        """
        return None

    def concerns(self, scope: TenantScope, subject: Mapping[str, Any]) -> bool:
        """Whether an event certainly belongs to this organisation, even without a payment; by default False.

        If it is True, setting the event aside raises an alarm, also when its payment stays unknown.
        """
        return False

    def agreed(self, scope: TenantScope, payment_id: UUID, event: StoredEvent) -> Sequence[str] | None:
        """Fields of an event that agree with its payment, for the timeline; None if nothing was compared."""
        return None

    def naming(self, scope: TenantScope, payment_id: UUID, event: Any) -> Mapping[str, ColumnElement[bool]]:
        """By name, SQL conditions for an event to name a payment, for events that no lookup has matched.

        Args:
            scope: the organisation's scope.
            payment_id: the payment.
            event: the model of stored events or an alias of it, whose columns the conditions refer to.
        """
        return {}

    def happened_at(self, payload: Mapping[str, Any]) -> datetime | None:
        """When an event happened by the provider's clock, timezone-aware; by default None for unknown."""
        return None


def _no_fetch(source: WebhookSource) -> NotImplementedError:
    # Type checkers take a method as abstract whose body only raises NotImplementedError.
    return NotImplementedError(f"{source.name} says that it lacks something, and has no fetch()")
