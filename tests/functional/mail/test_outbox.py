"""The outbox: mail is put in with the transaction of its cause, and delivered by the worker."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from autonomy_core.db.base import utcnow
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.services import KEPT_FOR, NotSendable, forget_old_mail
from autonomy_core.plugin_api.mail import send
from tests.functional.mail.post import stored

TO = "ada@example.org"


def test_a_mail_is_sent_after_its_transaction_has_committed(acme, post):
    with acme.scope() as scope:
        send(scope, "writing.thanks", TO, {"title": "First Light"})
    assert post.letters == []
    acme.run_jobs()
    [(_, letter)] = post.letters
    assert (letter.recipient, letter.sender) == (TO, "shop@acme.example")
    assert "First Light" in letter.message.get_body(("plain",)).get_content()
    [mail] = stored(acme)
    assert (mail.status, mail.attempts, mail.answer) == ("sent", 1, "250 2.0.0 queued")
    assert mail.finished_at is not None


def test_a_mail_is_not_sent_if_its_transaction_rolls_back(acme, post):
    with pytest.raises(RuntimeError), acme.scope() as scope:
        send(scope, "writing.thanks", TO, {})
        raise RuntimeError
    acme.run_jobs()
    assert (post.letters, stored(acme)) == ([], [])


def test_a_hot_path_puts_a_mail_in_with_its_commit(committed, with_post, post):
    with with_post(committed) as acme:
        with acme.runtime.driver_transaction(acme.get_organisation("acme")) as scope:
            send(scope, "writing.thanks", TO, {"amount": 1200})
            send(scope, "writing.thanks", TO, {"amount": 1300}, once="receipt:1")
            send(scope, "writing.thanks", TO, {"amount": 1400}, once="receipt:1")
        assert [mail.template_values["amount"] for mail in stored(acme)] == [1200, 1300]
        acme.run_jobs()
        assert len(post.letters) == 2


def test_a_key_is_sent_once_in_each_organisation(acme, post):
    for _ in range(2):
        with acme.scope() as scope:
            send(scope, "writing.thanks", TO, {}, once="receipt:1")
    acme.organisation("other", plugins=acme.get_organisation("acme").plugins)
    with acme.scope("other") as scope:
        send(scope, "writing.thanks", TO, {}, once="receipt:1")
    acme.run_jobs()
    assert len(post.letters) == 1
    acme.run_jobs("other")
    assert len(acme.mailbox()) == 1


@pytest.mark.parametrize(
    ("template", "values", "problem"),
    [
        ("writing.thank", {}, "there is no template of this name"),
        ("writing.thanks", {"at": object()}, "cannot be written as JSON"),
        ("writing.thanks", {"title": "a\x00b"}, "a character that cannot be stored"),
    ],
)
def test_the_author_of_a_wrong_mail_is_told_at_once(acme, template, values, problem):
    with acme.scope() as scope, pytest.raises(NotSendable, match=problem):
        send(scope, template, TO, values)


def test_without_an_account_mail_is_written_into_files(acme):
    acme.organisation("quiet")
    with acme.scope("quiet") as scope:
        send(scope, "mail.test", TO, {})
    acme.run_jobs("quiet")
    [message] = acme.mailbox()
    assert (message["To"], message["From"]) == (TO, "Quiet <no-reply@quiet.example>")


def test_a_customer_sees_nothing_of_another_organisations_mail(acme):
    acme.organisation("other")
    with acme.scope("other") as scope:
        send(scope, "mail.test", TO, {})
    assert stored(acme) == []


def test_old_mail_is_forgotten_once_it_is_finished(acme):
    for _ in range(3):
        with acme.scope() as scope:
            send(scope, "writing.thanks", TO, {})
    finished, recent, waiting = stored(acme)
    old = utcnow() - KEPT_FOR - timedelta(minutes=1)
    with acme.scope() as scope:
        by_id = update(MailMessage)
        scope.session.execute(by_id.values(created_at=old))
        scope.session.execute(by_id.where(MailMessage.id == finished.id).values(finished_at=old))
        scope.session.execute(by_id.where(MailMessage.id == recent.id).values(finished_at=utcnow()))
        forget_old_mail(scope)
    assert [mail.id for mail in stored(acme)] == [recent.id, waiting.id]
