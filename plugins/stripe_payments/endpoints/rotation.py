"""Replaces an endpoint and its secret without a gap: make the new one, save it, delete the old one.

Until the old endpoint is gone its secret is the *previous* one in the files, and verifies as well. What the files
say is all that there is to know: a command that was killed between any two steps leaves a set-up that works, and
the next one goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.addresses import endpoint_url, organisation_in
from stripe_payments.endpoints.admin import Desk, EndpointError, Member
from stripe_payments.endpoints.client import Endpoint
from stripe_payments.endpoints.diagnosis import RETRIED_FOR
from stripe_payments.endpoints.services import clear_leftovers, find_own, require_room


def rotate(
    desk: Desk, organisation_id: str, *, server: str | None, in_file: bool, wait_s: float, now: bool
) -> None:
    """Give an organisation, and all that share its endpoint, a new endpoint with a new secret.

    Args:
        server: see `addresses.endpoint_url`; by default the URL stays.
        in_file: keep the secret in a file of its own, to which the ini files refer.
        wait_s: how long the servers get to read the files before the old endpoint is deleted.
        now: delete the old endpoint even if it has something to deliver.

    Raises:
        EndpointError, EditError, AskingFailed, NoAddress: with what to do. The set-up works.
    """
    member = desk.member(organisation_id)
    if member.secret("webhook_secret") is None:
        raise EndpointError(
            f"{organisation_id} has no secret to replace: autonomy stripe webhook create {organisation_id}"
        )
    with desk.acting(member, "stripe_webhook.rotated") as scope:
        if not any(each.text("previous_webhook_secret") for each in desk.sharing(member)):
            _begin(desk, scope, member, server=server, in_file=in_file)
        _spread(desk, scope, member)
        desk.say(f"waiting {wait_s:g} seconds for the servers to read the files")
        time.sleep(wait_s)
        _finish(desk, scope, member, now=now)


def _begin(desk: Desk, scope: TenantScope, member: Member, *, server: str | None, in_file: bool) -> None:
    """Make the new endpoint and save it in one file: from then on the rotation is under way."""
    group = desk.sharing(member)
    known = at_stripe.list_endpoints(scope, desk.environment)
    old = find_own(scope, group, known)
    url = endpoint_url(scope, server) if server or old is None else old.url
    require_room(
        clear_leftovers(desk, scope, url, known, but=old),
        f"Rotation needs room for one more. Remove one that nobody uses: autonomy stripe webhook list {member.id}. "
        "Or roll the secret in Stripe's dashboard, and write it into the ini file",
    )
    thin = old is not None and old.thin
    endpoint, secret = at_stripe.create_endpoint(scope, desk.environment, url, thin=thin)
    first = _in_order(group, endpoint)[0]
    with desk.unmade_on_failure(scope, endpoint):
        text = desk.keep(member, secret, in_file=in_file)
        _adopt(desk, first, text, endpoint.id, old.id if old else None)
    desk.say(f"made {endpoint.id} for {desk.environment}: {url}")


def _in_order(group: Sequence[Member], endpoint: Endpoint) -> list[Member]:
    """The organisation in the URL last: once it takes the new secret, events of the others are handed on to them."""
    return sorted(group, key=lambda each: each.id == organisation_in(endpoint.url))


def _adopt(desk: Desk, member: Member, text: str, endpoint_id: str | None, old_id: str | None) -> None:
    desk.save(
        member,
        webhook_secret=text,
        webhook_endpoint_id=endpoint_id,
        previous_webhook_secret=member.text("webhook_secret"),
        previous_webhook_endpoint_id=old_id,
    )


def _spread(desk: Desk, scope: TenantScope, member: Member) -> None:
    """Give everybody who shares the endpoint the new secret, where they do not have it yet."""
    group = desk.sharing(member)
    new = _under_way(group)
    endpoint = _require_in_service(desk, scope, new)
    for each in _in_order(group, endpoint):
        if each.secret("webhook_secret") != new.secret("webhook_secret"):
            old_id = new.text("previous_webhook_endpoint_id")
            _adopt(desk, each, str(new.text("webhook_secret")), endpoint.id, old_id)
            desk.say(f"{each.id} has the new secret as well")


def _under_way(group: Sequence[Member]) -> Member:
    return next(each for each in group if each.text("previous_webhook_secret"))


def _finish(desk: Desk, scope: TenantScope, member: Member, *, now: bool) -> None:
    """Delete the old endpoint, and then forget its secret."""
    group = desk.sharing(desk.member(member.id))
    new = _require_in_service(desk, scope, _under_way(group))
    old_ids = {each.text("previous_webhook_endpoint_id") for each in group} - {None, new.id}
    if old_ids and not now:
        _require_delivered(desk, scope, new)
    for old_id in sorted(str(each) for each in old_ids):
        if at_stripe.delete_endpoint(scope, desk.environment, old_id):
            desk.say(f"removed {old_id}")
    dead = [each.text("previous_webhook_secret") for each in group]
    for each in group:
        desk.save(each, previous_webhook_secret=None, previous_webhook_endpoint_id=None)
    desk.forget(dead)
    desk.say(f"{', '.join(each.id for each in group)}: only the new secret is valid now")


def _require_in_service(desk: Desk, scope: TenantScope, member: Member) -> Endpoint:
    """The new endpoint, without which the old one must not go.

    Raises:
        EndpointError: Stripe does not have it, or does not deliver to it.
    """
    new_id = member.text("webhook_endpoint_id")
    new = at_stripe.retrieve_endpoint(scope, desk.environment, new_id) if new_id else None
    if new is None or new.status != "enabled":
        raise EndpointError(
            f"the new endpoint {new_id} is not in service at Stripe, so the old one stays. Enable it in the dashboard; "
            "if it is gone, put the previous secret and id back into the ini file, and rotate again"
        )
    return new


def _require_delivered(desk: Desk, scope: TenantScope, new: Endpoint) -> None:
    """What Stripe could not deliver yet is given up with the old endpoint; the new one gets only what came after it.

    Raises:
        EndpointError: there is something.
    """
    soonest = datetime.now(UTC) - RETRIED_FOR
    waiting = [
        each
        for each in at_stripe.list_event_statuses(scope, desk.environment)
        if soonest < each.created_at <= new.created_at and not each.delivered
    ]
    if waiting:
        raise EndpointError(
            f"both endpoints are in service: Stripe has {len(waiting)} events to deliver that are older than the new "
            "one, and would give them up with the old one. Run the command again when they are delivered, or with --now"
        )
