"""The jobs of the inbox: one retries stored events, one fetches undelivered events."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.retries import TryAgain
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.payments.services import PaymentsUnavailable
from autonomy_core.tenancy.domain import Environment
from autonomy_core.webhooks import event_backfill
from autonomy_core.webhooks.domain import TO_HANDLE
from autonomy_core.webhooks.fetching import complete_stored
from autonomy_core.webhooks.inbox import HANDLE_JOB, attempt
from autonomy_core.webhooks.personal_data import redact_late
from autonomy_core.webhooks.sources import lists_undelivered, source_named, sources_of

FETCH_JOB = "webhooks.fetch_events"

log = structlog.get_logger(__name__)

HOUR_S, DAY_S = 3600, 86_400


def handle_event(scope: TenantScope, *, source: str, environment: Environment, event_id: str) -> None:
    """Handle an event that could not be handled when it came; nothing happens when it has been meanwhile.

    Raises:
        TryAgain: it failed again, or the organisation has disabled the plugin.
    """
    found = source_named(scope, source)
    if found is None:
        raise TryAgain(f"the plugin of {source} is disabled; event {event_id} waits", longest_wait_s=DAY_S)
    try:
        complete_stored(scope, found, environment, event_id)
    except PaymentsUnavailable as error:
        # Only a person can help, for example with a key.
        raise TryAgain(f"{found.title} event {event_id} waits: {error}", longest_wait_s=DAY_S) from None
    except Unavailable as error:
        raise TryAgain(f"{found.title} event {event_id} waits: {error}") from None
    event = attempt(scope, found, environment, event_id)
    if event.status in TO_HANDLE:
        raise TryAgain(f"{found.title} event {event_id} failed: {event.reason}")


def fetch_events(scope: TenantScope) -> None:
    """Fetch what the organisation's providers could not deliver.

    Raises:
        TryAgain: one does not answer. The others have been asked.
        Exception: the error of a source that failed otherwise. The others have been asked.
    """
    silent: list[str] = []
    errors: list[Exception] = []
    for source in sources_of(scope):
        try:
            event_backfill.fetch_events(scope, source)
        except Unavailable as error:
            silent.append(f"{source.title}: {error}")
        except Exception as error:
            log.exception("webhook.events_not_fetched", source=source.name)
            errors.append(error)
    if errors:
        raise errors[0]
    if silent:
        raise TryAgain("; ".join(silent))


def jobs_for(sources: Iterable[tuple[str, WebhookSource]]) -> tuple[Job, ...]:
    """The core's jobs of webhooks. Events are fetched only where a source can list them.

    Args:
        sources: pairs of plugin name and source.
    """
    listing = frozenset(plugin for plugin, source in sources if lists_undelivered(source))
    return (
        Job(HANDLE_JOB, handle_event),
        Job(FETCH_JOB, fetch_events, every=HOUR_S, plugins=listing),
        Job("webhooks.redact_late", redact_late, every=DAY_S),
    )
