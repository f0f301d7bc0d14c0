"""Staff are people: they are invited, have a role, and act with their own account."""

import pytest

from tests.functional.staff.desk import Desk


def test_an_invited_member_acts_with_the_rights_of_the_role(desk):
    editor = desk.headers(desk.member("ed@example.org", "editor"))
    desk.call("GET", "products", editor)
    desk.call("GET", "payments", editor, status=403)
    desk.call("GET", "staff", editor, status=403)


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("owner", ("products", "payments", "mail", "staff", "keys", "audit"), ()),
        ("editor", ("products",), ("payments", "mail", "staff", "audit")),
        ("support", ("products", "payments", "mail", "customers"), ("staff", "keys", "audit")),
        ("finance", ("products", "payments", "mail", "customers"), ("staff", "keys", "audit")),
    ],
)
def test_each_role_reads_what_it_needs_and_nothing_else(desk, role, allowed, refused):
    member = desk.headers(desk.member("mo@example.org", role))
    for path in allowed:
        desk.call("GET", path, member)
    for path in refused:
        desk.call("GET", path, member, status=403)


def test_a_customer_is_no_staff(desk):
    customer = desk.headers(desk.account("ada@example.org"))
    assert desk.call("GET", "products", customer, status=403).json["code"] == "not_allowed"


@pytest.mark.parametrize("role", ["owner", "finance"])
def test_a_role_that_moves_money_needs_a_second_factor(desk, role):
    member = desk.member("mo@example.org", role)
    refused = desk.call("GET", "payments", desk.headers(member, two_factors=False), status=403)
    assert refused.json["code"] == "staff_needs_second_factor"
    desk.call("GET", "payments", desk.headers(member))


def test_a_member_of_one_organisation_has_no_rights_in_another(desk, autonomy, owner):
    Desk(autonomy, "beacon").call("GET", "products", owner, status=403)


def test_an_invitation_is_accepted_once_and_by_its_address_only(desk, owner):
    body = {"email": "sam@example.org", "role": "support"}
    invitation = desk.call("POST", "invitations", owner, body, status=201).json
    assert desk.call("GET", "invitations", owner).json["items"] == [invitation]
    token = desk.invited("sam@example.org")
    assert desk.accept(desk.account("eve@example.org"), token, 422).json["code"] == "invalid_invitation"
    sam = desk.account("sam@example.org")
    assert desk.accept(sam, token).json["role"] == "support"
    desk.accept(sam, token, 422)
    assert desk.call("GET", "invitations", owner).json["items"] == []


def test_accepting_an_invitation_proves_the_address(desk):
    member = desk.headers(desk.member("sam@example.org", "support"))
    assert desk.autonomy.app.get("/acme/api/v1/customers/me", headers=member).json["email_verified"] is True


def test_a_withdrawn_invitation_cannot_be_accepted(desk, owner):
    body = {"email": "sam@example.org", "role": "support"}
    invitation = desk.call("POST", "invitations", owner, body, status=201).json
    token = desk.invited("sam@example.org")
    desk.call("DELETE", f"invitations/{invitation['id']}", owner, status=204)
    desk.accept(desk.account("sam@example.org"), token, 422)
    assert desk.invited("sam@example.org") is None


def test_a_second_mail_makes_the_first_link_invalid(desk, owner):
    desk.call("POST", "invitations", owner, {"email": "sam@example.org", "role": "support"}, status=201)
    first, second = desk.invited("sam@example.org"), desk.invited("sam@example.org")
    sam = desk.account("sam@example.org")
    desk.accept(sam, first, 422)
    desk.accept(sam, second)


def test_a_member_is_not_invited_again(desk, owner):
    desk.member("sam@example.org", "support")
    body = {"email": "sam@example.org", "role": "editor"}
    assert desk.call("POST", "invitations", owner, body, status=409).json["code"] == "already_staff"


def test_rights_that_the_giver_lacks_cannot_be_given(desk, autonomy):
    key = autonomy.as_staff(scopes=["staff.manage"])
    body = {"email": "eve@example.org", "role": "owner"}
    assert desk.call("POST", "invitations", key, body, status=403).json["code"] == "beyond_own_rights"
    wider = {"name": "wider", "scopes": ["payments.refund"]}
    assert desk.call("POST", "keys", key, wider, status=403).json["code"] == "beyond_own_rights"


def test_the_last_owner_can_neither_leave_nor_step_down(desk, owner):
    (member,) = desk.call("GET", "staff", owner).json["items"]
    path = f"staff/{member['id']}"
    assert desk.call("DELETE", path, owner, status=409).json["code"] == "last_owner"
    assert desk.call("PATCH", path, owner, {"role": "editor"}, status=409).json["code"] == "last_owner"
    desk.member("otto@example.org", "owner")
    assert desk.call("PATCH", path, owner, {"role": "editor"}).json["role"] == "editor"
    desk.call("GET", "staff", owner, status=403)


def test_an_ended_membership_ends_the_members_keys(desk, owner):
    otto = desk.headers(desk.member("otto@example.org", "owner"))
    issued = desk.call("POST", "keys", owner, {"name": "mine", "scopes": ["catalog.read"]}, status=201).json
    key = {"Authorization": f"Bearer {issued['text']}"}
    desk.call("GET", "products", key)
    olive = desk.listed(owner, "olive@example.org")
    desk.call("DELETE", f"staff/{olive['id']}", otto, status=204)
    desk.call("GET", "products", key, status=401)
    desk.call("GET", "products", owner, status=403)


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("is_lowered", [False, True])
def test_a_former_owner_cannot_return_by_an_own_invitation(desk, owner, by_key, is_lowered):
    otto = desk.headers(desk.member("otto@example.org", "owner"))
    if by_key:
        wanted = {"name": "mine", "scopes": ["staff.manage", "catalog.write"]}
        issued = desk.call("POST", "keys", otto, wanted, status=201).json
        otto = {"Authorization": f"Bearer {issued['text']}"}
    desk.call("POST", "invitations", otto, {"email": "otto@home.example", "role": "editor"}, status=201)
    token = desk.invited("otto@home.example")
    path = f"staff/{desk.listed(owner, 'otto@example.org')['id']}"
    if is_lowered:
        desk.call("PATCH", path, owner, {"role": "support"})
    else:
        desk.call("DELETE", path, owner, status=204)
    desk.accept(desk.account("otto@home.example"), token, 422)


def test_a_lower_role_narrows_the_members_keys(desk, owner):
    desk.member("otto@example.org", "owner")
    wanted = {"name": "mine", "scopes": ["catalog.write", "payments.refund"]}
    issued = desk.call("POST", "keys", owner, wanted, status=201).json
    olive = desk.listed(owner, "olive@example.org")
    desk.call("PATCH", f"staff/{olive['id']}", owner, {"role": "editor"})
    key = {"Authorization": f"Bearer {issued['text']}"}
    desk.call("GET", "products", key)
    desk.call("GET", "payments", key, status=403)


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"email": "no address", "role": "editor"}])
def test_a_wrong_invitation_is_refused_in_words(desk, owner, body):
    wrong = desk.call("POST", "invitations", {**owner}, body, status=422)
    assert wrong.json["code"] == "invalid_input"


def test_a_second_invitation_replaces_the_first(desk, owner):
    for role in ("owner", "support"):
        desk.call("POST", "invitations", owner, {"email": "sam@example.org", "role": role}, status=201)
    assert [each["role"] for each in desk.call("GET", "invitations", owner).json["items"]] == ["support"]


def test_an_invitation_of_before_the_end_brings_no_member_back(desk, owner):
    desk.call("POST", "invitations", owner, {"email": "sam@example.org", "role": "owner"}, status=201)
    first = desk.invited("sam@example.org")
    sam = desk.member("sam@example.org", "support")
    ended = desk.listed(owner, "sam@example.org")["id"]
    desk.call("DELETE", f"staff/{ended}", owner, status=204)
    assert desk.accept(sam, first, 422).json["code"] == "invalid_invitation"
