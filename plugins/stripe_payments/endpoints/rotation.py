"""Replaces an endpoint and its secret without a gap: create the new one, save it, delete the old one.

Until the old endpoint is deleted, its secret is the *previous* one in the files and still verifies events.
The files contain the complete state. A command that was killed between two steps leaves a working setup, and
the next command continues.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.addresses import endpoint_url, organisation_in
from stripe_payments.endpoints.admin import EndpointAdmin, EndpointError, Participant
from stripe_payments.endpoints.client import Endpoint
from stripe_payments.endpoints.diagnosis import RETRIED_FOR
from stripe_payments.endpoints.services import clear_leftovers, find_own, require_room


def rotate(
    admin: EndpointAdmin, organisation_id: str, *, server: str | None, in_file: bool, wait_s: float, now: bool
) -> None:
    """Give an organisation, and all that share its endpoint, a new endpoint with a new secret.

    Args:
        admin: the command's context.
        organisation_id: the organisation.
        server: see `addresses.endpoint_url`; by default the URL stays.
        in_file: store the secret in a separate file, to which the ini files refer.
        wait_s: seconds for the servers to read the files before the old endpoint is deleted.
        now: delete the old endpoint even if it has undelivered events.

    Raises:
        EndpointError, EditError, StripeCallFailed, NoAddress: with the remedy. The setup still works.
    """
    participant = admin.participant(organisation_id)
    if participant.secret("webhook_secret") is None:
        raise EndpointError(
            f"{organisation_id} has no secret to replace: autonomy stripe webhook create {organisation_id}"
        )
    with admin.changing(participant, "stripe_webhook.rotated") as scope:
        if not any(each.text("previous_webhook_secret") for each in admin.sharing(participant)):
            _begin(admin, scope, participant, server=server, in_file=in_file)
        _spread(admin, scope, participant)
        admin.say(f"waiting {wait_s:g} seconds for the servers to read the files")
        time.sleep(wait_s)
        _finish(admin, scope, participant, now=now)


def _begin(
    admin: EndpointAdmin, scope: TenantScope, participant: Participant, *, server: str | None, in_file: bool
) -> None:
    """Create the new endpoint and save it in one file, which begins the rotation."""
    group = admin.sharing(participant)
    known = at_stripe.list_endpoints(scope, admin.environment)
    old = find_own(scope, group, known)
    url = endpoint_url(scope, server) if server or old is None else old.url
    require_room(
        clear_leftovers(admin, scope, url, known, but=old),
        f"Rotation needs one more. Remove an unused one: autonomy stripe webhook list {participant.id}. Or "
        "roll the secret in Stripe's dashboard, and write it into the ini file",
    )
    thin = old is not None and old.thin
    endpoint, secret = at_stripe.create_endpoint(scope, admin.environment, url, thin=thin)
    first = _in_order(group, endpoint)[0]
    with admin.deleted_on_failure(scope, endpoint):
        text = admin.keep(participant, secret, in_file=in_file)
        _adopt(admin, first, text, endpoint.id, old.id if old else None)
    admin.say(f"created {endpoint.id} for {admin.environment}: {url}")


def _in_order(group: Sequence[Participant], endpoint: Endpoint) -> list[Participant]:
    """Sort the organisation of the URL last.

    Once it has the new secret, events of the others reach them only if they have it too.
    """
    return sorted(group, key=lambda each: each.id == organisation_in(endpoint.url))


def _adopt(
    admin: EndpointAdmin, participant: Participant, text: str, endpoint_id: str | None, old_id: str | None
) -> None:
    admin.save(
        participant,
        webhook_secret=text,
        webhook_endpoint_id=endpoint_id,
        previous_webhook_secret=participant.text("webhook_secret"),
        previous_webhook_endpoint_id=old_id,
    )


def _spread(admin: EndpointAdmin, scope: TenantScope, participant: Participant) -> None:
    """Give the new secret to all organisations that share the endpoint and do not have it yet."""
    group = admin.sharing(participant)
    new = _under_way(group)
    endpoint = _require_in_service(admin, scope, new)
    for each in _in_order(group, endpoint):
        if each.secret("webhook_secret") != new.secret("webhook_secret"):
            old_id = new.text("previous_webhook_endpoint_id")
            _adopt(admin, each, str(new.text("webhook_secret")), endpoint.id, old_id)
            admin.say(f"{each.id} has the new secret as well")


def _under_way(group: Sequence[Participant]) -> Participant:
    return next(each for each in group if each.text("previous_webhook_secret"))


def _finish(admin: EndpointAdmin, scope: TenantScope, participant: Participant, *, now: bool) -> None:
    """Delete the old endpoint, and then remove its secret."""
    group = admin.sharing(admin.participant(participant.id))
    new = _require_in_service(admin, scope, _under_way(group))
    old_ids = {each.text("previous_webhook_endpoint_id") for each in group} - {None, new.id}
    if old_ids and not now:
        _require_delivered(admin, scope, new)
    for old_id in sorted(str(each) for each in old_ids):
        if at_stripe.delete_endpoint(scope, admin.environment, old_id):
            admin.say(f"removed {old_id}")
    dead = [each.text("previous_webhook_secret") for each in group]
    for each in group:
        admin.save(each, previous_webhook_secret=None, previous_webhook_endpoint_id=None)
    admin.forget(dead)
    admin.say(f"{', '.join(each.id for each in group)}: only the new secret is valid now")


def _require_in_service(admin: EndpointAdmin, scope: TenantScope, participant: Participant) -> Endpoint:
    """Return the new endpoint, which must work before the old one is deleted.

    Raises:
        EndpointError: Stripe does not have it, or has disabled it.
    """
    new_id = participant.text("webhook_endpoint_id")
    new = at_stripe.retrieve_endpoint(scope, admin.environment, new_id) if new_id else None
    if new is None or new.status != "enabled":
        raise EndpointError(
            f"the new endpoint {new_id} is not enabled at Stripe, so the old one stays. Enable it in the "
            "dashboard; if it does not exist, restore the previous secret and id in the ini file, and rotate "
            "again"
        )
    return new


def _require_delivered(admin: EndpointAdmin, scope: TenantScope, new: Endpoint) -> None:
    """Check that there are no undelivered events before the old endpoint is deleted.

    Stripe would drop them with the old endpoint, because the new one gets only later events.

    Raises:
        EndpointError: there are undelivered events.
    """
    soonest = datetime.now(UTC) - RETRIED_FOR
    waiting = [
        each
        for each in at_stripe.list_event_statuses(scope, admin.environment)
        if soonest < each.created_at <= new.created_at and not each.delivered
    ]
    if waiting:
        raise EndpointError(
            f"both endpoints are in service: Stripe has {len(waiting)} undelivered events that are older "
            "than the new endpoint, and would drop them with the old one. Run the command again when they "
            "are delivered, or with --now"
        )
