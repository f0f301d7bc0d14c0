"""Helping customers gives no power over accounts of staff."""

import pytest

REASON = {"reason": "asked by phone"}


@pytest.fixture
def support(desk, owner):
    return desk.headers(desk.member("sue@example.org", "support"))


@pytest.fixture
def olive(desk, owner):
    return f"customers/{desk.listed(owner, 'olive@example.org')['customer_id']}"


def refused(desk, headers, method, path, body=None):
    assert desk.call(method, path, headers, body, status=409).json["code"] == "customer_is_staff"


def test_support_gets_no_rights_by_merging_an_owner(desk, owner, support, olive):
    second = desk.account("sue-at-home@example.org")
    refused(desk, support, "POST", f"{olive}/merge", {**REASON, "into": str(second.id)})
    desk.call("GET", "staff", desk.headers(second), status=403)
    desk.call("GET", "staff", owner)


def test_support_cannot_bring_a_block_into_an_owners_account(desk, owner, support, olive):
    guest = desk.account("eve@example.org")
    desk.call("POST", f"customers/{guest.id}/block", support, REASON)
    into = olive.removeprefix("customers/")
    refused(desk, support, "POST", f"customers/{guest.id}/merge", {**REASON, "into": into})
    desk.call("GET", "staff", owner)


@pytest.mark.parametrize("how", ["block", "erase"])
def test_support_cannot_shut_an_owner_out(desk, owner, support, olive, how):
    if how == "block":
        refused(desk, support, "POST", f"{olive}/block", REASON)
    else:
        refused(desk, support, "DELETE", olive)
    desk.call("GET", "staff", owner)


def test_a_former_member_is_a_customer_like_others(desk, owner, support):
    otto = desk.member("otto@example.org", "owner")
    desk.call("DELETE", f"staff/{desk.listed(owner, 'otto@example.org')['id']}", owner, status=204)
    desk.call("POST", f"customers/{otto.id}/block", support, REASON)
