"""The audit log says who acted, from where, and what was before and after."""

from autonomy_core.plugin_api.audit import record
from tests.functional.staff.desk import Desk


def test_a_change_is_recorded_with_its_author_origin_and_both_values(desk, owner):
    product = desk.autonomy.product(title="First Light")
    desk.call("PATCH", f"products/{product.id}", owner, {"title": "Second Light"})
    (entry,) = desk.audit(owner, action="product.changed")
    assert entry["actor"].startswith("member:")
    assert (entry["actor_name"], entry["origin"]) == ("Ada", "203.0.113.7")
    assert (entry["before"], entry["after"]) == ({"title": "First Light"}, {"title": "Second Light"})
    assert entry["target"] == f"product:{product.id}"


def test_a_new_thing_is_recorded_with_its_values(desk, owner):
    body = {"title": "First Light", "kind": "thing", "amount": 900, "tags": ["ambient"]}
    desk.call("POST", "products", owner, body, status=201)
    (entry,) = desk.audit(owner, action="product.created")
    assert entry["before"] == {}
    assert body.items() <= entry["after"].items()
    assert entry["after"]["slug"] == "first-light"


def test_a_change_is_recorded_with_what_follows_from_it(desk, owner):
    body = {"title": "First Light", "kind": "thing", "amount": 900, "pay_what_you_want": True}
    made = desk.call("POST", "products", owner, {**body, "suggested_amount": 1200}, status=201).json
    desk.call("PATCH", f"products/{made['id']}", owner, {"pay_what_you_want": False})
    (entry,) = desk.audit(owner, action="product.changed")
    assert entry["before"] == {"pay_what_you_want": True, "suggested_amount": 1200}
    assert entry["after"] == {"pay_what_you_want": False, "suggested_amount": None}


def test_a_coupon_is_recorded_with_its_terms(desk, owner):
    made = desk.call("POST", "coupons", owner, {"code": "SPRING", "percent_off": 20}, status=201).json
    desk.call("PATCH", f"coupons/{made['id']}", owner, {"max_redemptions": 5})
    created, changed = desk.audit(owner, target=f"coupon:{made['id']}")[::-1]
    assert created["after"].items() >= {"code": "SPRING", "percent_off": 20}.items()
    assert (changed["before"], changed["after"]) == ({"max_redemptions": None}, {"max_redemptions": 5})


def test_a_key_is_recorded_when_it_is_issued_narrowed_and_revoked(desk, owner):
    otto = desk.headers(desk.member("otto@example.org", "owner"))
    wanted = {"name": "till", "scopes": ["catalog.write", "payments.refund"]}
    key = desk.call("POST", "keys", otto, wanted, status=201).json["api_key"]
    member = desk.listed(owner, "otto@example.org")
    desk.call("PATCH", f"staff/{member['id']}", owner, {"role": "editor"})
    desk.call("DELETE", f"keys/{key['id']}", owner)
    issued, narrowed, revoked = desk.audit(owner, target=f"api_key:{key['id']}")[::-1]
    assert issued["after"]["scopes"] == wanted["scopes"]
    assert (issued["after"]["member_id"], issued["after"]["expires_at"]) == (member["id"], None)
    assert (narrowed["before"], narrowed["after"]) == (
        {"scopes": wanted["scopes"]},
        {"scopes": ["catalog.write"]},
    )
    assert (revoked["before"], revoked["after"]) == ({"revoked": False}, {"revoked": True})


def test_what_an_api_key_did_has_the_name_of_the_key(desk, owner, autonomy):
    product = autonomy.product()
    desk.call("PATCH", f"products/{product.id}", autonomy.as_staff(), {"description": "new"})
    (entry,) = desk.audit(owner, target=f"product:{product.id}")
    assert (entry["actor"].partition(":")[0], entry["actor_name"]) == ("staff", "test")


def test_steps_of_a_membership_are_recorded(desk, owner):
    desk.member("sam@example.org", "support")
    actions = [entry["action"] for entry in desk.audit(owner)]
    assert actions[:2] == ["staff.joined", "staff.invited"]
    operator = desk.audit(owner, action="staff.invited")[0]
    assert (operator["actor"], operator["origin"], operator["after"]) == (
        "cli:operator",
        None,
        {"role": "support"},
    )


def test_the_log_can_be_filtered_by_time(desk, owner):
    assert desk.audit(owner, until="2020-01-01T00:00:00Z") == []
    assert desk.audit(owner, since="2020-01-01T00:00:00Z")


def test_the_log_of_another_organisation_is_not_shown(desk, owner, autonomy):
    beacon = Desk(autonomy, "beacon")
    mine = desk.audit(owner)
    theirs = beacon.audit(beacon.headers(beacon.member("bo@example.org", "owner")))
    assert not {entry["id"] for entry in mine} & {entry["id"] for entry in theirs}


def test_a_detail_of_a_plugin_may_be_named_like_a_change(desk, owner, autonomy):
    with autonomy.scope() as scope:
        record(scope, actor="worker", action="track.replaced", target="track:1", detail={"before": "a hash"})
    (entry,) = desk.audit(owner, action="track.replaced")
    assert (entry["before"], entry["after"], entry["detail"]) == (None, None, {"before": "a hash"})
