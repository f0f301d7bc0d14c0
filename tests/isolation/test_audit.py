"""Every call by which staff change something leaves an entry in the audit log, with the values."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.openapi.calls import Call
from tests.isolation.http_attacks import NEED_S3
from tests.isolation.requests import ask, holders
from tests.isolation.sides import World

ADDRESS = "203.0.113.7"

CHANGES_NO_VALUE = {
    "resend": "puts a mail into the outbox",
    "resend_verification": "puts a mail into the outbox",
    "send_receipt_again": "puts a mail into the outbox",
    "start_reset": "puts a mail into the outbox",
    "export_payments": "reads",
}
"""Calls whose entry has no values before and after, and what they do instead."""

CHANGES_FAILED_ONES = {"retry_track_formats"}
"""Calls that change nothing here. Tests of their plugins look at their entries."""

NEEDS = {"unblock_customer": "block_customer"}
"""Calls that change something only after another call."""

PARTS_OF_ANOTHER = {"continue_upload"}
"""Calls that carry out what another call began, which left the entry."""

READING = {"GET", "HEAD", "OPTIONS"}


def test_every_call_of_staff_that_writes_is_in_the_audit_log(world: World) -> None:
    calls = [call for call in world.calls if is_of_interest(call)]
    assert len(calls) > 30
    assert CHANGES_NO_VALUE.keys() <= {call.operation.id for call in calls}
    assert [problem for call in calls for problem in problems(world, call)] == []


def is_of_interest(call: Call) -> bool:
    writes = call.operation.method not in READING or call.operation.id == "export_payments"
    # Tests of direct uploads look at theirs.
    left_out = {*CHANGES_FAILED_ONES, *PARTS_OF_ANOTHER, *NEED_S3}
    return writes and holders(call) == ["staff"] and call.operation.id not in left_out


def problems(world: World, call: Call) -> Iterator[str]:
    """What is wrong with the entries that a call leaves, in words."""
    side, name = world.one, f"{call.operation.id}: {call.operation.method} {call.path}"
    credential = side.credentials["staff"]
    with world.undone():
        for needed in (each for each in world.calls if each.operation.id == NEEDS.get(call.operation.id)):
            ask(needed, side, side).by(credential).send(world.autonomy)
        known = {entry.id for entry in entries(world)}
        answer = ask(call, side, side).by(credential).send(world.autonomy, REMOTE_ADDR=ADDRESS)
        left = [entry for entry in entries(world) if entry.id not in known]
    if answer.status_int >= 400:
        yield f"{name} is answered {answer.status}: {answer.text}"
    actor = f"staff:{UUID(hex=credential.split('_')[1])}"
    mine = [entry for entry in left if (entry.actor, entry.origin) == (actor, ADDRESS)]
    if not mine:
        yield f"{name} leaves no entry of {actor} from {ADDRESS}, but {[entry.actor for entry in left]}"
    elif call.operation.id not in CHANGES_NO_VALUE and not any(has_sides(entry) for entry in mine):
        yield f"{name} leaves {mine[0].action} without values before and after: {mine[0].detail}"


def entries(world: World) -> list[AuditEntry]:
    with world.autonomy.scope(world.one.id) as scope:
        return list(scope.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def has_sides(entry: AuditEntry) -> bool:
    return any(isinstance(entry.detail.get(side), dict) for side in ("before", "after"))
