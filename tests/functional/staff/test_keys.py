"""API keys have an owner, expire, and show when they were used."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from autonomy_core.db.base import utcnow
from autonomy_core.kernel.identity import customer_identity
from autonomy_core.security.models import ApiKey
from autonomy_core.staff import keys
from autonomy_core.staff.services import BeyondOwnRights, Giver


def bearer(issued):
    return {"Authorization": f"Bearer {issued['text']}"}


def issue(desk, headers, **values):
    body = {"name": "the till", "scopes": ["catalog.read"], **values}
    return desk.call("POST", "keys", headers, body, status=201).json


def test_a_key_belongs_to_its_issuer_and_is_listed_without_its_text(desk, owner):
    issued = issue(desk, owner)
    (member,) = desk.call("GET", "staff", owner).json["items"]
    assert issued["api_key"]["member_id"] == member["id"]
    (listed,) = desk.call("GET", "keys", owner).json["items"]
    assert listed == issued["api_key"]
    assert "text" not in listed


def test_keys_are_listed_in_pages_the_newest_first(desk, owner):
    issued = [issue(desk, owner)["api_key"]["id"] for _ in range(3)]
    first = desk.call("GET", "keys?limit=2", owner).json
    rest = desk.call("GET", f"keys?cursor={first['next']}", owner).json
    assert [key["id"] for key in (*first["items"], *rest["items"])] == issued[::-1]
    assert rest["next"] is None


def test_the_last_use_of_a_key_is_shown(desk, owner):
    issued = issue(desk, owner)
    assert issued["api_key"]["last_used_at"] is None
    desk.call("GET", "products", bearer(issued))
    (listed,) = desk.call("GET", "keys", owner).json["items"]
    assert listed["last_used_at"] is not None


def test_an_expired_key_is_refused(desk, owner):
    issued = issue(desk, owner, expires_at=(utcnow() + timedelta(days=1)).isoformat())
    desk.call("GET", "products", bearer(issued))
    with desk.autonomy.scope() as scope:
        key = scope.session.get_one(ApiKey, (desk.id, issued["api_key"]["id"]))
        key.expires_at = utcnow() - timedelta(seconds=1)
    desk.call("GET", "products", bearer(issued), status=401)


def test_a_key_cannot_expire_in_the_past(desk, owner):
    body = {"name": "late", "scopes": ["catalog.read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert desk.call("POST", "keys", owner, body, status=422).json["code"] == "invalid_input"


def test_a_revoked_key_is_refused_at_once(desk, owner):
    issued = issue(desk, owner)
    revoked = desk.call("DELETE", f"keys/{issued['api_key']['id']}", owner).json
    assert revoked["revoked_at"] is not None
    desk.call("GET", "products", bearer(issued), status=401)


def test_a_key_revokes_what_its_owner_may_and_itself(desk, owner):
    strong = issue(desk, owner, scopes=["payments.refund"])
    first, second = (issue(desk, owner, scopes=["staff.manage"]) for _ in range(2))
    with desk.autonomy.scope() as scope:
        # Without an owner, as from the command line.
        scope.session.execute(
            update(ApiKey).where(ApiKey.id == UUID(first["api_key"]["id"])).values(member_id=None)
        )
    refused = desk.call("DELETE", f"keys/{strong['api_key']['id']}", bearer(first), status=403)
    assert refused.json["code"] == "beyond_own_rights"
    desk.call("GET", "payments", bearer(strong))
    desk.call("DELETE", f"keys/{strong['api_key']['id']}", bearer(second))
    desk.call("GET", "payments", bearer(strong), status=401)
    desk.call("DELETE", f"keys/{first['api_key']['id']}", bearer(first))
    desk.call("GET", "keys", bearer(first), status=401)


def test_a_key_does_not_withdraw_an_invitation_to_more_rights(desk, owner):
    weak = issue(desk, owner, scopes=["staff.manage"])
    invited = {"email": "otto@example.org", "role": "owner"}
    invitation = desk.call("POST", "invitations", owner, invited, status=201).json
    refused = desk.call("DELETE", f"invitations/{invitation['id']}", bearer(weak), status=403)
    assert refused.json["code"] == "beyond_own_rights"
    desk.call("DELETE", f"invitations/{invitation['id']}", owner, status=204)


def test_a_key_that_a_key_issues_belongs_to_the_same_member(desk, owner):
    first = issue(desk, owner, scopes=["staff.manage", "catalog.read"])
    second = issue(desk, bearer(first))
    assert second["api_key"]["member_id"] == first["api_key"]["member_id"]


def test_a_key_that_a_key_issues_does_not_outlive_it(desk, owner):
    until = (utcnow() + timedelta(days=1)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    first = issue(desk, owner, scopes=["staff.manage", "catalog.read"], expires_at=until)
    assert issue(desk, bearer(first))["api_key"]["expires_at"] == first["api_key"]["expires_at"]
    later = (utcnow() + timedelta(days=2)).isoformat()
    assert (
        issue(desk, bearer(first), expires_at=later)["api_key"]["expires_at"]
        == first["api_key"]["expires_at"]
    )


def test_a_key_is_issued_with_the_rights_of_the_role_at_that_moment(desk, owner):
    """The request was allowed, and the role was lowered before the key was stored."""
    otto = desk.member("otto@example.org", "support")
    issuer = customer_identity("acme", otto.id)
    giver = Giver("member:otto", frozenset({"staff.manage", "payments.refund"}))
    with desk.autonomy.scope() as scope, pytest.raises(BeyondOwnRights):
        keys.issue(
            scope,
            replace(issuer, kind="member"),
            giver,
            name="late",
            scopes=["payments.refund"],
            expires_at=None,
        )


def test_an_unknown_scope_is_named(desk, owner):
    body = {"name": "odd", "scopes": ["catalog.burn"]}
    assert desk.call("POST", "keys", owner, body, status=403).json["code"] == "beyond_own_rights"
