from datetime import timedelta

import pytest
from sqlalchemy import select, text

from autonomy_core.audit.models import AuditEntry
from autonomy_core.plugin_api.models import uuid7
from autonomy_core.security.api_keys import issue
from autonomy_core.security.models import StaffMember
from autonomy_core.security.roles import Role
from autonomy_core.staff.services import Giver, invite, open_invitations
from tests.functional.customer_auth.mailing import (
    ADA,
    EVE,
    bearer,
    customer,
    let_pass,
    old_bearer,
    row_of,
)

NEW, NEWER = "ada@new.example", "ada@newer.example"


@pytest.fixture
def ada(shop):
    return customer(shop)


@pytest.fixture
def as_ada(shop, ada):
    return bearer(shop, ada.id)


def ask(shop, headers, email=NEW, status=202):
    return shop.post("email", {"email": email}, status, headers)


def confirm(shop, headers, status=200, **body):
    return shop.post("email/confirm", body, status, headers)


def undo(shop, token, status=204):
    return shop.post("email/undo", {"token": token}, status)


def change(shop, post, headers, email=NEW):
    """Change the address; gives the mail that the old one gets."""
    ask(shop, headers, email)
    confirm(shop, headers, token=post.one().token)
    return post.one()


def address(shop, headers):
    return shop.get("me", headers).json["email"]


def test_the_address_changes_when_the_new_one_is_confirmed(shop, post, as_ada):
    ask(shop, as_ada)
    letter = post.one()
    assert (letter.to, letter.purpose) == (NEW, "email_change")
    assert address(shop, as_ada) == ADA
    answer = confirm(shop, as_ada, code=letter.code).json
    assert (answer["email"], answer["email_verified"]) == (NEW, True)
    assert address(shop, as_ada) == NEW


def test_the_old_address_gets_the_way_back(shop, post, as_ada):
    notice = change(shop, post, as_ada)
    assert (notice.to, notice.purpose) == (ADA, "email_undo")
    assert NEW not in notice.text


def test_a_change_needs_a_recent_login(shop, ada):
    answer = ask(shop, old_bearer(shop, ada.id), status=403)
    assert answer.json["code"] == "reauthentication_required"


def test_a_change_is_confirmed_within_a_login_of_the_account_only(shop, post, as_ada):
    """Otherwise the owner of a mailbox could be given an account into which another person can log in."""
    as_eve = bearer(shop, customer(shop, EVE).id)
    ask(shop, as_ada)
    letter = post.one()
    shop.post("email/confirm", {"token": letter.token}, 401)
    confirm(shop, as_eve, 422, token=letter.token)
    confirm(shop, as_eve, 422, code=letter.code)
    confirm(shop, as_ada, token=letter.token)


def test_the_answer_does_not_tell_whether_the_new_address_is_taken(shop, post, as_ada):
    customer(shop, EVE)
    free, taken = ask(shop, as_ada), ask(shop, as_ada, EVE)
    assert (free.status, free.body) == (taken.status, taken.body)
    assert [letter.to for letter in post.arrived()] == [NEW]


def test_an_address_that_is_taken_meanwhile_is_refused(shop, post, as_ada):
    ask(shop, as_ada)
    token = post.one().token
    customer(shop, NEW)
    assert confirm(shop, as_ada, 409, token=token).json["code"] == "email_taken"
    assert address(shop, as_ada) == ADA


def test_the_present_address_is_no_change(shop, as_ada):
    assert ask(shop, as_ada, "ADA@example.org", 422).json["code"] == "same_email"


def test_the_new_address_claims_what_guests_bought_with_it(shop, post, as_ada):
    guest = customer(shop, NEW, guest=True)
    change(shop, post, as_ada)
    with shop.autonomy.scope() as scope:
        merged = scope.session.execute(
            text("SELECT merged_into FROM customers WHERE id = :id"), {"id": guest.id}
        ).scalar_one()
    assert merged == row_of(shop, NEW).id


def test_the_way_back_restores_the_address_and_locks_the_intruder_out(shop, post, asked_each_time):
    tokens = shop.register().json
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    shop.post("email/verify", {"code": post.one().code}, 200, headers)
    notice = change(shop, post, headers)
    undo(shop, notice.token)
    restored = row_of(shop, ADA)
    assert str(restored.id) == tokens["customer"]["id"]
    assert restored.email_verified_at is not None
    shop.me(tokens["access_token"], 401)
    shop.refresh(tokens["refresh_token"], 401)
    shop.login(status=401)
    assert post.one().to == NEW
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("password/reset", {"token": post.one().token, "password": "a longer engine"}, 204)
    shop.login(password="a longer engine")


def test_the_way_back_revokes_the_keys_and_invitations_of_staff(shop, post, ada, as_ada):
    """An intruder in a staff account could come in again with a key, or with an invited account."""
    operator = Giver("cli:operator", None)
    with shop.autonomy.scope() as scope:
        scope.session.add(
            member := StaffMember(
                organisation_id=shop.id,
                id=uuid7(),
                customer_id=ada.id,
                role="owner",
                invited_by="cli:operator",
            )
        )
        scope.session.flush()
        key, secret = issue(scope, "hostile", ["catalog.read"], actor=f"member:{ada.id}", member_id=member.id)
        mine = invite(scope, "eve@example.org", Role.OWNER, Giver(f"member:{ada.id}", None))
        others = invite(scope, "otto@example.org", Role.EDITOR, operator)
        key_id, mine_id, others_id = key.id, mine.id, others.id
    assert len(post.arrived()) == 2
    notice = change(shop, post, as_ada)
    undo(shop, notice.token)
    shop.autonomy.app.get(
        f"/{shop.id}/api/v1/admin/products", headers={"Authorization": f"Bearer {secret}"}, status=401
    )
    with shop.autonomy.scope() as scope:
        kept = scope.session.scalars(open_invitations()).all()
        assert [each.id for each in kept] == [others_id]
        actions = scope.session.execute(select(AuditEntry.action, AuditEntry.target, AuditEntry.actor)).all()
    by = f"customer:{ada.id}"
    assert ("api_key.revoked", f"api_key:{key_id}", by) in actions
    assert ("staff.invitation_withdrawn", f"staff_invitation:{mine_id}", by) in actions


def test_the_way_back_withdraws_a_deletion(shop, post, as_ada):
    notice = change(shop, post, as_ada)
    shop.autonomy.app.delete(f"/{shop.id}/api/v1/customers/me", headers=as_ada, status=202)
    undo(shop, notice.token)
    assert row_of(shop, ADA).deletion_due_at is None


def test_the_way_back_works_once(shop, post, as_ada):
    notice = change(shop, post, as_ada)
    undo(shop, notice.token)
    undo(shop, notice.token, 422)


@pytest.mark.parametrize(("days", "status"), [(6, 204), (7, 422)])
def test_the_way_back_is_open_for_seven_days(shop, post, as_ada, days, status):
    notice = change(shop, post, as_ada)
    let_pass(shop, timedelta(days=days))
    undo(shop, notice.token, status)


def test_the_way_back_is_open_after_a_reset_and_another_change(shop, post, as_ada):
    """An intruder who has changed the address cannot close the owner's way back."""
    notice = change(shop, post, as_ada)
    shop.post("password/forgotten", {"email": NEW}, 202)
    shop.post("password/reset", {"token": post.one().token, "password": "a hostile engine"}, 204)
    assert post.one().to == NEW
    intruder = {"Authorization": f"Bearer {shop.login(NEW, 'a hostile engine').json['access_token']}"}
    later = change(shop, post, intruder, NEWER)
    undo(shop, notice.token)
    assert row_of(shop, ADA) is not None
    undo(shop, later.token, 422)


def test_the_way_back_of_a_later_change_leads_to_the_address_between(shop, post, as_ada):
    first = change(shop, post, as_ada)
    second = change(shop, post, as_ada, NEWER)
    undo(shop, second.token)
    assert row_of(shop, NEW) is not None
    undo(shop, first.token)
    assert row_of(shop, ADA) is not None


def test_a_notice_that_is_late_opens_no_way_back_that_was_closed(shop, post, as_ada):
    """The notice of the second change arrives after the first change was taken back."""
    first = change(shop, post, as_ada)
    ask(shop, as_ada, NEWER)
    confirm(shop, as_ada, token=post.one().token)
    undo(shop, first.token)
    assert [letter.to for letter in post.arrived()] == [NEWER]


def test_an_account_that_was_registered_meanwhile_is_no_obstacle(shop, post, as_ada, ada):
    """An intruder cannot close the way back by registering the old address."""
    notice = change(shop, post, as_ada)
    hostile = shop.register(ADA, "a hostile engine").json
    undo(shop, notice.token)
    assert row_of(shop, ADA).id == ada.id
    shop.login(ADA, "a hostile engine", 401)
    shop.refresh(hostile["refresh_token"], 401)


def test_a_way_back_of_another_organisation_is_unknown(shop, other_shop, post, as_ada):
    customer(other_shop)
    undo(other_shop, change(shop, post, as_ada).token, 422)


def test_changes_that_a_customer_requests_are_limited(make_shop):
    shop = make_shop(mails_per_email=2)
    headers = bearer(shop, customer(shop).id)
    ask(shop, headers, "one@new.example")
    ask(shop, headers, "two@new.example")
    ask(shop, headers, "three@new.example", 429)
