"""Creates, shares and removes webhook endpoints: at Stripe, and in the organisations' files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autonomy_core.plugin_api.commands import EditError
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints.addresses import endpoint_url, organisation_in
from stripe_payments.endpoints.admin import EndpointAdmin, EndpointError, Participant
from stripe_payments.endpoints.client import Endpoint

MOST_ENDPOINTS = 16
"""Stripe's limit of endpoints for an account (https://docs.stripe.com/webhooks#endpoint-limits)."""

KEYS = ("webhook_secret", "webhook_endpoint_id", "previous_webhook_secret", "previous_webhook_endpoint_id")


def create(
    admin: EndpointAdmin, organisation_id: str, *, server: str | None, in_file: bool, thin: bool = False
) -> None:
    """Create an endpoint for an organisation, and write its id and its secret into the ini file.

    Args:
        admin: the command's context.
        organisation_id: the organisation.
        server: see `addresses.endpoint_url`.
        in_file: store the secret in a separate file, to which the ini file refers.
        thin: let Stripe send thin events.

    Raises:
        EndpointError, EditError, StripeCallFailed, NoAddress: with the remedy. A failure leaves nothing
            behind. The next command removes what a killed command has left.
    """
    participant = _without_secret(admin, organisation_id)
    with admin.changing(participant, "stripe_webhook.created") as scope:
        url = endpoint_url(scope, server)
        known = clear_leftovers(admin, scope, url, at_stripe.list_endpoints(scope, admin.environment))
        taken = [each.id for each in known if each.url == url]
        if taken:
            raise EndpointError(
                f"the account has {', '.join(taken)} at {url} already: write its signing secret into the ini "
                f"file, or remove it: autonomy stripe webhook remove {organisation_id} {taken[0]}"
            )
        require_room(
            known,
            f"Share one with an organisation of the same account: autonomy stripe webhook create "
            f"{organisation_id} --share-with OTHER. Or remove an unused one: autonomy stripe webhook list "
            f"{organisation_id}",
        )
        endpoint, secret = at_stripe.create_endpoint(scope, admin.environment, url, thin=thin)
        with admin.deleted_on_failure(scope, endpoint):
            text = admin.keep(participant, secret, in_file=in_file)
            admin.save(participant, webhook_secret=text, webhook_endpoint_id=endpoint.id)
    admin.say(f"created {endpoint.id} for {admin.environment}: {url}")


def share(admin: EndpointAdmin, organisation_id: str, other_id: str) -> None:
    """Let an organisation use the endpoint of another organisation with the same Stripe account.

    Raises:
        EndpointError, EditError, StripeCallFailed: with the remedy; nothing is changed.
    """
    participant, other = _without_secret(admin, organisation_id), admin.participant(other_id)
    if other.secret("webhook_secret") is None:
        raise EndpointError(f"{other_id} has no endpoint for {admin.environment}; create it first")
    with admin.changing(participant, "stripe_webhook.shared") as scope:
        # Use the key of the organisation that will share it: only the endpoint's account can list it.
        endpoint = find_own(scope, [other], at_stripe.list_endpoints(scope, admin.environment))
        if endpoint is None:
            raise EndpointError(
                f"the account of {organisation_id} has no endpoint of {other_id}: only organisations of one "
                f"Stripe account can share one; create one: autonomy stripe webhook create {organisation_id}"
            )
        admin.save(participant, webhook_secret=other.text("webhook_secret"), webhook_endpoint_id=endpoint.id)
    admin.say(f"{organisation_id} shares {endpoint.id} with {other_id}: {endpoint.url}")


def listing(admin: EndpointAdmin, organisation_id: str) -> list[dict[str, Any]]:
    """Return the endpoints of an organisation's account, with the organisations that use them."""
    with admin.reading(admin.participant(organisation_id)) as scope:
        known = at_stripe.list_endpoints(scope, admin.environment)
    participants = admin.participants()
    return [
        {
            "id": each.id,
            "url": each.url,
            "status": each.status,
            "api_version": each.api_version,
            "events": len(each.events),
            "thin": each.thin,
            "organisations": [
                participant.id for participant in participants if each.id in participant.endpoint_ids
            ],
        }
        for each in known
    ]


def remove(admin: EndpointAdmin, organisation_id: str, endpoint_id: str | None) -> None:
    """Remove an organisation's endpoint, or an unused one of its account.

    Raises:
        EndpointError, EditError, StripeCallFailed: with the remedy.
    """
    participant = admin.participant(organisation_id)
    with admin.changing(participant, "stripe_webhook.removed") as scope:
        if endpoint_id and endpoint_id not in participant.endpoint_ids:
            _remove_unused(admin, scope, endpoint_id)
            return
        own = find_own(scope, [participant], at_stripe.list_endpoints(scope, admin.environment))
        others = [each.id for each in admin.sharing(participant) if each.id != organisation_id]
        if others:
            _require_another_address(own, organisation_id, others)
            admin.say(f"{', '.join(others)} shares the endpoint, so it stays at Stripe")
        else:
            _remove_own(admin, scope, {*participant.endpoint_ids, *([own.id] if own else [])})
        _drop_keys(admin, participant)


def _require_another_address(own: Endpoint | None, organisation_id: str, others: Sequence[str]) -> None:
    """Refuse to remove the secret of the organisation in the URL.

    Without the secret, the organisation would refuse the others' events too.
    """
    if own is not None and organisation_in(own.url) == organisation_id:
        raise EndpointError(
            f"{', '.join(others)} shares {own.id}, whose URL names {organisation_id}. Change the URL first: "
            f"autonomy stripe webhook rotate {others[0]} --server https://…"
        )


def _remove_unused(admin: EndpointAdmin, scope: TenantScope, endpoint_id: str) -> None:
    users = [each.id for each in admin.participants() if endpoint_id in each.endpoint_ids]
    if users:
        raise EndpointError(f"{endpoint_id} is used by {', '.join(users)}; remove it there")
    there = at_stripe.delete_endpoint(scope, admin.environment, endpoint_id)
    admin.say(f"removed {endpoint_id}" if there else f"the account has no {endpoint_id}")


def _remove_own(admin: EndpointAdmin, scope: TenantScope, endpoint_ids: set[str]) -> None:
    for endpoint_id in sorted(endpoint_ids):
        if at_stripe.delete_endpoint(scope, admin.environment, endpoint_id):
            admin.say(f"removed {endpoint_id}")


def _drop_keys(admin: EndpointAdmin, participant: Participant) -> None:
    """Remove the keys from the file, unless the file needs them. A secret without an endpoint is harmless."""
    try:
        admin.save(participant, **dict.fromkeys(KEYS))
    except EditError:
        admin.say(
            f"{participant.id} sells in {admin.environment}, so its secret stays in the file until it has "
            "another"
        )
    else:
        admin.forget(participant.text(key) for key in KEYS)


def _without_secret(admin: EndpointAdmin, organisation_id: str) -> Participant:
    participant = admin.participant(organisation_id)
    if participant.secret("webhook_secret") is not None:
        raise EndpointError(
            f"{organisation_id} has a webhook secret for {admin.environment} already; to replace it and its "
            f"endpoint: autonomy stripe webhook rotate {organisation_id}"
        )
    return participant


def find_own(
    scope: TenantScope, participants: Sequence[Participant], known: Sequence[Endpoint]
) -> Endpoint | None:
    """Return the endpoint of organisations that share one: the one that their files or its URL name.

    Raises:
        EndpointError: the URLs of several endpoints name one of the organisations.
    """
    ids = {participant.text("webhook_endpoint_id") for participant in participants} - {None}
    if ids:
        return next((each for each in known if each.id in ids), None)
    names = {participant.id for participant in participants}
    found = [each for each in known if organisation_in(each.url) in names]
    if len(found) > 1:
        raise EndpointError(
            f"the account has several endpoints for {', '.join(sorted(names))}: "
            f"{', '.join(each.id for each in found)}; write the id of the used one into the ini file"
        )
    return found[0] if found else None


def clear_leftovers(
    admin: EndpointAdmin,
    scope: TenantScope,
    url: str,
    known: Sequence[Endpoint],
    *,
    but: Endpoint | None = None,
) -> list[Endpoint]:
    """Delete the endpoints that killed commands left, and return the other endpoints.

    No file names such an endpoint, and its secret is lost.
    """
    named = admin.named_endpoints() | ({but.id} if but else set())
    left = [each for each in known if each.ours and each.url == url and each.id not in named]
    for each in left:
        at_stripe.delete_endpoint(scope, admin.environment, each.id)
        admin.say(f"removed {each.id}, left by an interrupted command")
    return [each for each in known if each not in left]


def require_room(known: Sequence[Endpoint], remedy: str) -> None:
    """Refuse to create more endpoints than an account may have.

    Raises:
        EndpointError: the limit is reached.
    """
    if len(known) >= MOST_ENDPOINTS:
        count = len(known)
        raise EndpointError(
            f"the account has {count} webhook endpoints, and Stripe allows {MOST_ENDPOINTS}. {remedy}"
        )
