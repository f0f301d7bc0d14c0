"""Makes, shares and removes webhook endpoints: at Stripe, and in the organisations' files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autonomy_core.plugin_api.commands import EditError
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.addresses import endpoint_url, organisation_in
from stripe_payments.endpoints.admin import Desk, EndpointError, Member
from stripe_payments.endpoints.client import Endpoint

MOST_ENDPOINTS = 16
"""That Stripe allows an account (https://docs.stripe.com/webhooks#endpoint-limits)."""

KEYS = ("webhook_secret", "webhook_endpoint_id", "previous_webhook_secret", "previous_webhook_endpoint_id")


def create(
    desk: Desk, organisation_id: str, *, server: str | None, in_file: bool, thin: bool = False
) -> None:
    """Make an endpoint for an organisation, and write its id and its secret into the ini file.

    Args:
        server: see `addresses.endpoint_url`.
        in_file: keep the secret in a file of its own, to which the ini file refers.
        thin: have Stripe send thin events.

    Raises:
        EndpointError, EditError, AskingFailed, NoAddress: with what to do. Nothing is left half done; what a
            killed command has left behind is cleared away by the next.
    """
    member = _without_secret(desk, organisation_id)
    with desk.acting(member, "stripe_webhook.created") as scope:
        url = endpoint_url(scope, server)
        known = clear_leftovers(desk, scope, url, at_stripe.list_endpoints(scope, desk.environment))
        taken = [each.id for each in known if each.url == url]
        if taken:
            raise EndpointError(
                f"the account has {', '.join(taken)} at {url} already: write its signing secret into the ini file, "
                f"or remove it: autonomy stripe webhook remove {organisation_id} {taken[0]}"
            )
        require_room(
            known,
            f"Share one with an organisation of the same account: autonomy stripe webhook create {organisation_id} "
            f"--share-with OTHER. Or remove one that nobody uses: autonomy stripe webhook list {organisation_id}",
        )
        endpoint, secret = at_stripe.create_endpoint(scope, desk.environment, url, thin=thin)
        with desk.unmade_on_failure(scope, endpoint):
            text = desk.keep(member, secret, in_file=in_file)
            desk.save(member, webhook_secret=text, webhook_endpoint_id=endpoint.id)
    desk.say(f"made {endpoint.id} for {desk.environment}: {url}")


def share(desk: Desk, organisation_id: str, other_id: str) -> None:
    """Let an organisation use the endpoint of another one that has the same Stripe account.

    Raises:
        EndpointError, EditError, AskingFailed: with what to do; nothing is changed.
    """
    member, other = _without_secret(desk, organisation_id), desk.member(other_id)
    if other.secret("webhook_secret") is None:
        raise EndpointError(f"{other_id} has no endpoint for {desk.environment}; make it first")
    with desk.acting(member, "stripe_webhook.shared") as scope:
        # By the key of the one that is to share it: whose account has the endpoint needs no other proof.
        endpoint = find_own(scope, [other], at_stripe.list_endpoints(scope, desk.environment))
        if endpoint is None:
            raise EndpointError(
                f"the account of {organisation_id} has no endpoint of {other_id}: only organisations of one Stripe "
                f"account can share one; make one: autonomy stripe webhook create {organisation_id}"
            )
        desk.save(member, webhook_secret=other.text("webhook_secret"), webhook_endpoint_id=endpoint.id)
    desk.say(f"{organisation_id} shares {endpoint.id} with {other_id}: {endpoint.url}")


def listing(desk: Desk, organisation_id: str) -> list[dict[str, Any]]:
    """The endpoints of an organisation's account, and whose they are."""
    with desk.looking(desk.member(organisation_id)) as scope:
        known = at_stripe.list_endpoints(scope, desk.environment)
    members = desk.members()
    return [
        {
            "id": each.id,
            "url": each.url,
            "status": each.status,
            "api_version": each.api_version,
            "events": len(each.events),
            "thin": each.thin,
            "organisations": [member.id for member in members if each.id in member.endpoint_ids],
        }
        for each in known
    ]


def remove(desk: Desk, organisation_id: str, endpoint_id: str | None) -> None:
    """Remove an organisation's endpoint, or one of its account that no organisation uses.

    Raises:
        EndpointError, EditError, AskingFailed: with what to do.
    """
    member = desk.member(organisation_id)
    with desk.acting(member, "stripe_webhook.removed") as scope:
        if endpoint_id and endpoint_id not in member.endpoint_ids:
            _remove_unused(desk, scope, endpoint_id)
            return
        own = find_own(scope, [member], at_stripe.list_endpoints(scope, desk.environment))
        others = [each.id for each in desk.sharing(member) if each.id != organisation_id]
        if others:
            _require_another_address(own, organisation_id, others)
            desk.say(f"{', '.join(others)} shares the endpoint, so it stays at Stripe")
        else:
            _remove_own(desk, scope, {*member.endpoint_ids, *([own.id] if own else [])})
        _drop_keys(desk, member)


def _require_another_address(own: Endpoint | None, organisation_id: str, others: Sequence[str]) -> None:
    """Without a secret the organisation that the URL names refuses what is posted there, whoever it is about."""
    if own is not None and organisation_in(own.url) == organisation_id:
        raise EndpointError(
            f"{', '.join(others)} shares {own.id}, whose address is {organisation_id}'s. Give it another address first: "
            f"autonomy stripe webhook rotate {others[0]} --server https://…"
        )


def _remove_unused(desk: Desk, scope: TenantScope, endpoint_id: str) -> None:
    users = [each.id for each in desk.members() if endpoint_id in each.endpoint_ids]
    if users:
        raise EndpointError(f"{endpoint_id} is used by {', '.join(users)}; remove it there")
    there = at_stripe.delete_endpoint(scope, desk.environment, endpoint_id)
    desk.say(f"removed {endpoint_id}" if there else f"the account has no {endpoint_id}")


def _remove_own(desk: Desk, scope: TenantScope, endpoint_ids: set[str]) -> None:
    for endpoint_id in sorted(endpoint_ids):
        if at_stripe.delete_endpoint(scope, desk.environment, endpoint_id):
            desk.say(f"removed {endpoint_id}")


def _drop_keys(desk: Desk, member: Member) -> None:
    """Take the keys out of the file, unless it needs them: a secret that nobody signs with does no harm."""
    try:
        desk.save(member, **dict.fromkeys(KEYS))
    except EditError:
        desk.say(
            f"{member.id} sells in {desk.environment}, so its secret stays in the file until it has another"
        )
    else:
        desk.forget(member.text(key) for key in KEYS)


def _without_secret(desk: Desk, organisation_id: str) -> Member:
    member = desk.member(organisation_id)
    if member.secret("webhook_secret") is not None:
        raise EndpointError(
            f"{organisation_id} has a webhook secret for {desk.environment} already; to replace it and its endpoint: "
            f"autonomy stripe webhook rotate {organisation_id}"
        )
    return member


def find_own(scope: TenantScope, members: Sequence[Member], known: Sequence[Endpoint]) -> Endpoint | None:
    """The endpoint of organisations that share one: which their files name, or else whose URL names one of them.

    Raises:
        EndpointError: there are several whose URL does.
    """
    ids = {member.text("webhook_endpoint_id") for member in members} - {None}
    if ids:
        return next((each for each in known if each.id in ids), None)
    names = {member.id for member in members}
    found = [each for each in known if organisation_in(each.url) in names]
    if len(found) > 1:
        raise EndpointError(
            f"the account has several endpoints for {', '.join(sorted(names))}: "
            f"{', '.join(each.id for each in found)}; write the id of the one that is used into the ini file"
        )
    return found[0] if found else None


def clear_leftovers(
    desk: Desk, scope: TenantScope, url: str, known: Sequence[Endpoint], *, but: Endpoint | None = None
) -> list[Endpoint]:
    """Delete endpoints that a killed command has made and no file knows: nobody has their secret. Gives the others."""
    named = desk.named_endpoints() | ({but.id} if but else set())
    left = [each for each in known if each.ours and each.url == url and each.id not in named]
    for each in left:
        at_stripe.delete_endpoint(scope, desk.environment, each.id)
        desk.say(f"removed {each.id}, left behind by a command that was interrupted")
    return [each for each in known if each not in left]


def require_room(known: Sequence[Endpoint], remedy: str) -> None:
    """Refuse to make more endpoints than an account may have.

    Raises:
        EndpointError: it has as many.
    """
    if len(known) >= MOST_ENDPOINTS:
        count = len(known)
        raise EndpointError(
            f"the account has {count} webhook endpoints, and Stripe allows {MOST_ENDPOINTS}. {remedy}"
        )
