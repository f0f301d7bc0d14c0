"""Staff see the organisation's mail, send it again, and stop and allow addresses."""

import pytest
from sqlalchemy import select, update

from autonomy_core.alarms.models import Alarm
from autonomy_core.audit.models import AuditEntry
from autonomy_core.db.base import uuid7
from autonomy_core.mail.delivery import deliver_due
from autonomy_core.mail.domain import GIVE_UP_AFTER
from autonomy_core.mail.models import MailMessage
from autonomy_core.plugin_api.mail import MailRefused, send
from tests.functional.mail.post import make_due, stored

MAIL = "/api/v1/admin/mail"
ADA, BOB = "ada@example.org", "bob@example.org"


def put(acme, to=ADA, **options):
    with acme.scope() as scope:
        return send(scope, "writing.thanks", to, {"title": "First Light"}, **options)


def deliver(acme):
    make_due(acme)
    deliver_due(acme.runtime.scope_outside(acme.get_organisation("acme")))


@pytest.fixture
def staff(acme):
    return acme.as_staff() | {"Host": "acme.example"}


@pytest.fixture
def app(acme):
    return acme.app


def test_mail_is_listed_newest_first_and_filtered(acme, app, staff):
    customer = acme.customer(email=ADA)
    first, second = put(acme), put(acme, BOB, customer_id=customer.id)
    deliver(acme)
    third = put(acme, BOB)

    def listed(**filters):
        return [item["id"] for item in app.get(MAIL, filters, headers=staff).json["items"]]

    assert listed() == [str(third), str(second), str(first)]
    assert listed(to="Ada@Example.org") == [str(first)]
    assert listed(status="sent") == [str(second), str(first)]
    assert listed(customer_id=str(customer.id)) == [str(second)]
    assert listed(template="writing.news") == []


def test_a_mail_is_shown_with_the_answer_of_the_server(acme, app, staff, post):
    post.outcomes = [MailRefused("550 5.1.1 no such user", permanent=True, bad_address=True)]
    mail_id = put(acme)
    deliver(acme)
    shown = app.get(f"{MAIL}/{mail_id}", headers=staff).json
    assert shown["suppressed_because"] == ["bounced"]
    assert shown["mail"] | {"created_at": "", "finished_at": ""} == {
        "id": str(mail_id),
        "template": "writing.thanks",
        "to": ADA,
        "customer_id": None,
        "status": "bounced",
        "attempts": 1,
        "answer": "550 5.1.1 no such user",
        "resend_of": None,
        "created_at": "",
        "next_attempt_at": None,
        "finished_at": "",
    }


def test_a_mail_is_sent_again_as_a_new_one(acme, app, staff, post):
    mail_id = put(acme, once="receipt:1")
    deliver(acme)
    new = app.post(f"{MAIL}/{mail_id}/resend", headers=staff, status=201).json
    assert (new["resend_of"], new["status"]) == (str(mail_id), "queued")
    deliver(acme)
    first, second = (letter.message for _, letter in post.letters)
    assert first["Message-ID"] != second["Message-ID"]
    assert "First Light" in second.get_body(("plain",)).get_content()
    with acme.scope() as scope:
        entry = scope.session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.resent")).one()
        assert (entry.target, entry.detail["new_mail_id"]) == (f"mail:{mail_id}", new["id"])


def test_a_mail_on_its_way_is_not_sent_again(acme, app, staff):
    mail_id = put(acme)
    answer = app.post(f"{MAIL}/{mail_id}/resend", headers=staff, status=409)
    assert answer.json["code"] == "mail_on_its_way"
    assert len(stored(acme)) == 1


def test_sending_a_given_up_mail_again_clears_its_alarm(acme, app, staff, post):
    post.outcomes = [MailRefused("451 later", permanent=False)]
    mail_id = put(acme)
    with acme.scope() as scope:
        scope.session.execute(update(MailMessage).values(created_at=MailMessage.created_at - GIVE_UP_AFTER))
    deliver(acme)
    app.post(f"{MAIL}/{mail_id}/resend", headers=staff, status=201)
    with acme.scope() as scope:
        assert scope.session.scalars(select(Alarm)).all() == []


def test_a_stopped_address_gets_mail_again_when_staff_allow_it(acme, app, staff, post):
    app.post_json(f"{MAIL}/suppressions", {"address": ADA}, headers=staff, status=204)
    mail_id = put(acme)
    deliver(acme)
    assert post.letters == []
    allowed = app.post(f"{MAIL}/{mail_id}/allow", headers=staff).json
    assert allowed["suppressed_because"] == []
    put(acme)
    deliver(acme)
    assert len(post.letters) == 1
    with acme.scope() as scope:
        actions = scope.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        entries = scope.session.scalars(select(AuditEntry)).all()
    assert actions[-2:] == ["mail_address.stopped", "mail_address.allowed"]
    assert ADA not in repr([(entry.target, entry.detail) for entry in entries])


def test_an_unsubscribed_address_stays_so_when_staff_allow_mail(acme, app, staff):
    from autonomy_core.mail.suppressions import suppress

    mail_id = put(acme)
    with acme.scope() as scope:
        suppress(scope, ADA, "unsubscribed")
        suppress(scope, ADA, "complained")
    allowed = app.post(f"{MAIL}/{mail_id}/allow", headers=staff).json
    assert allowed["suppressed_because"] == ["unsubscribed"]


@pytest.mark.parametrize(
    ("scopes", "reading", "sending"),
    [(["mail.read"], 200, 403), (["mail.send"], 200, 201), (["payments.read"], 403, 403)],
)
def test_a_key_needs_the_scope(acme, app, scopes, reading, sending):
    mail_id = put(acme)
    deliver(acme)
    headers = acme.as_staff(scopes=scopes) | {"Host": "acme.example"}
    app.get(f"{MAIL}/{mail_id}", headers=headers, status=reading)
    app.post(f"{MAIL}/{mail_id}/resend", headers=headers, status=sending)


def test_another_organisations_mail_is_not_found(acme, app):
    mail_id = put(acme)
    acme.organisation("other", plugins=acme.get_organisation("acme").plugins)
    staff = acme.as_staff("other") | {"Host": "other.example"}
    app.get(f"{MAIL}/{mail_id}", headers=staff, status=404)
    assert app.get(MAIL, headers=staff).json["items"] == []


def test_a_mail_that_is_not_there_is_not_found(app, staff):
    app.get(f"{MAIL}/{uuid7()}", headers=staff, status=404)
