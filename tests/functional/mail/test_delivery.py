"""Delivery: what a mail server answers decides what becomes of a mail."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from autonomy_core.alarms.models import Alarm
from autonomy_core.customers.proving import prove_address
from autonomy_core.db.base import utcnow
from autonomy_core.mail.carrier import Carrier
from autonomy_core.mail.delivery import claim, deliver, deliver_due
from autonomy_core.mail.domain import GIVE_UP_AFTER
from autonomy_core.mail.models import MailMessage
from autonomy_core.plugin_api.mail import MailerUnavailable, MailRefused, NotSent, send
from demo.mail_server import MailServer
from tests.functional.mail.post import make_due, stored

TO = "ada@example.org"


def put(application, *titles, template="writing.thanks", to=TO, **values):
    with application.scope() as scope:
        for title in titles or ("A",):
            send(scope, template, to, {"title": title, **values})


def attempt(application):
    make_due(application)
    deliver_due(application.runtime.scope_outside(application.get_organisation("acme")))


def alarms(application):
    with application.scope() as scope:
        return {(alarm.name, alarm.subject): alarm.message for alarm in scope.session.scalars(select(Alarm))}


def test_mail_that_is_due_goes_over_one_connection(acme, post):
    put(acme, "A", "B", "C")
    attempt(acme)
    assert [connection for connection, _ in post.letters] == [1, 1, 1]
    assert acme.run_jobs() == []
    assert len(post.letters) == 3


def test_a_rejected_mail_bounces_and_the_next_one_is_sent(acme, post):
    post.outcomes = [MailRefused("554 5.7.1 spam", permanent=True)]
    put(acme, "A", "B")
    attempt(acme)
    assert [(mail.status, mail.answer) for mail in stored(acme)] == [
        ("bounced", "554 5.7.1 spam"),
        ("sent", "250 2.0.0 queued"),
    ]


def test_an_address_that_does_not_exist_gets_no_further_mail(acme, post):
    post.outcomes = [MailRefused(f"550 5.1.1 {TO} unknown", permanent=True, bad_address=True)]
    put(acme)
    attempt(acme)
    put(acme, to=TO.upper())
    attempt(acme)
    assert [(mail.status, mail.answer) for mail in stored(acme)] == [
        ("bounced", "550 5.1.1 (address) unknown"),
        ("refused", "an earlier mail to this address bounced"),
    ]
    assert len(post.letters) == 1


def test_a_deferred_mail_is_tried_again_later_with_its_message_id(acme, post):
    post.outcomes = [MailRefused("451 4.7.1 greylisted", permanent=False)]
    put(acme)
    attempt(acme)
    [mail] = stored(acme)
    assert (mail.status, mail.answer) == ("queued", "451 4.7.1 greylisted")
    assert timedelta(seconds=20) < mail.due_at - utcnow() < timedelta(seconds=40)
    assert [job["task_name"] for job in acme.jobs(with_mail=True)].count("mail.deliver") == 2
    attempt(acme)
    [(_, first), (_, second)] = post.letters
    assert first.message["Message-ID"] == second.message["Message-ID"] == mail.message_id
    assert (stored(acme)[0].status, stored(acme)[0].attempts) == ("sent", 2)


def test_a_mail_is_given_up_loudly(acme, post):
    post.outcomes = [MailRefused("451 try later", permanent=False)]
    put(acme)
    with acme.scope() as scope:
        scope.session.execute(update(MailMessage).values(created_at=utcnow() - GIVE_UP_AFTER))
    with capture_logs() as logs:
        attempt(acme)
    [mail] = stored(acme)
    assert (mail.status, mail.answer) == ("given_up", "451 try later")
    message = "mail writing.thanks failed 1 times, the last time: 451 try later"
    assert alarms(acme) == {("mail.given_up", str(mail.id)): message}
    [entry] = [entry for entry in logs if entry["event"] == "mail.given_up"]
    assert entry["log_level"] == "error"


def test_while_the_account_is_unavailable_all_mail_waits(acme, post):
    post.closed = MailerUnavailable("mail.example does not answer")
    put(acme, "A", "B", "C")
    attempt(acme)
    mails = stored(acme)
    assert [(mail.status, mail.attempts) for mail in mails] == [("queued", 1), ("queued", 0), ("queued", 0)]
    assert len({mail.due_at for mail in mails}) == 1
    assert alarms(acme) == {}


def test_an_account_that_stays_unavailable_raises_an_alarm(acme, post):
    post.closed = MailerUnavailable("535 wrong password")
    put(acme)
    for _ in range(3):
        attempt(acme)
    assert alarms(acme) == {("mail.account_unavailable", "post:"): "535 wrong password"}
    post.closed = None
    attempt(acme)
    assert alarms(acme) == {}


def test_a_connection_that_was_closed_meanwhile_is_opened_again(acme, post):
    post.outcomes = [None, MailerUnavailable("421 too many messages"), None]
    put(acme, "A", "B")
    attempt(acme)
    assert [connection for connection, _ in post.letters] == [1, 1, 2]
    assert [(mail.status, mail.attempts) for mail in stored(acme)] == [("sent", 1), ("sent", 1)]


def test_a_mail_that_another_worker_has_claimed_is_left_alone(acme, post):
    put(acme)
    claim(acme.runtime.scope_outside(acme.get_organisation("acme")))
    assert acme.run_jobs() == []
    assert post.letters == []
    # A job looks again when the claim ends.
    assert [job["task_name"] for job in acme.jobs(within_s=600, with_mail=True)] == ["mail.deliver"]


def test_a_mail_of_a_worker_that_died_is_sent_when_its_claim_ends(acme, post):
    put(acme)
    claim(acme.runtime.scope_outside(acme.get_organisation("acme")))
    attempt(acme)
    [mail] = stored(acme)
    assert (mail.status, mail.attempts, len(post.letters)) == ("sent", 2, 1)


def test_a_mail_whose_preparation_outlives_the_claim_is_not_sent(acme, post):
    """Another worker may have sent it meanwhile."""
    put(acme)
    scope = acme.runtime.scope_outside(acme.get_organisation("acme"))
    with Carrier(scope) as carrier:
        deliver(scope, carrier, replace(claim(scope), hand_over_by=0.0))
    assert post.letters == []
    [mail] = stored(acme)
    assert (mail.status, mail.answer) == ("queued", "PreparedTooLate: its preparation took longer than 30 s")


def test_what_prepare_adds_is_rendered_and_not_stored(acme, post, thanks):
    thanks.values = {"token": "correct-horse"}
    put(acme)
    attempt(acme)
    [(_, letter)] = post.letters
    assert "correct-horse" in letter.message.get_body(("plain",)).get_content()
    assert "token" not in stored(acme)[0].template_values


def test_prepare_decides_that_a_mail_is_not_sent(acme, post, thanks):
    thanks.outcome = NotSent("nothing is known of this address")
    put(acme)
    attempt(acme)
    assert [(mail.status, mail.answer) for mail in stored(acme)] == [
        ("refused", "nothing is known of this address")
    ]
    assert post.letters == []


def test_a_template_that_raises_delays_its_own_mail_only(acme, post, thanks):
    thanks.outcome = ZeroDivisionError("no price")
    put(acme)
    put(acme, template="writing.news", unsubscribe_url="https://acme.example/u")
    attempt(acme)
    broken, news = stored(acme)
    assert (broken.status, broken.answer) == ("queued", "ZeroDivisionError: no price")
    assert news.status == "sent"


def test_a_hook_adds_a_value(acme, post, hook):
    hook(lambda event: event.add("library_url", "https://acme.example/library"))
    put(acme)
    attempt(acme)
    [(_, letter)] = post.letters
    assert "https://acme.example/library" in letter.message.get_body(("plain",)).get_content()


def test_a_hook_refuses_a_mail(acme, post, hook):
    hook(lambda event: event.refuse("on holiday"))
    put(acme)
    attempt(acme)
    assert [(mail.status, mail.answer) for mail in stored(acme)] == [("refused", "on holiday")]
    assert post.letters == []


def test_an_address_that_is_none_is_refused(acme, post):
    put(acme, to="ada@example.org\r\nBcc: eve@example.org")
    attempt(acme)
    assert [mail.status for mail in stored(acme)] == ["refused"]
    assert post.letters == []


def test_bulk_mail_to_a_customer_can_be_ended_with_one_click(acme, post):
    """The plugin that sends it need not think of that."""
    ada = acme.customer(email=TO)
    with acme.scope() as scope:
        prove_address(scope, TO, within=ada.id)
        send(scope, "writing.news", TO, {}, customer_id=ada.id)
    attempt(acme)
    [(_, letter)] = post.letters
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = letter.message["List-Unsubscribe"].strip("<>")
    acme.app.post(url.replace("https://acme.example/", "/acme/"), {"List-Unsubscribe": "One-Click"})
    with acme.scope() as scope:
        send(scope, "writing.news", TO, {}, customer_id=ada.id)
    attempt(acme)
    assert [mail.answer for mail in stored(acme)][1:] == ["the recipient has unsubscribed"]


def test_bulk_mail_that_could_not_be_ended_is_not_sent(acme, post):
    stranger = acme.customer(email=TO)
    with acme.scope() as scope:
        for customer_id in (None, stranger.id):
            send(scope, "writing.news", TO, {}, customer_id=customer_id)
    attempt(acme)
    assert [mail.answer for mail in stored(acme)] == [
        "bulk mail is to customers, or needs an unsubscribe_url",
        "the customer has not proven the address",
    ]
    assert post.letters == []


@pytest.mark.parametrize(("template", "status"), [("writing.news", "refused"), ("writing.thanks", "sent")])
def test_one_who_has_unsubscribed_gets_no_bulk_mail(acme, template, status):
    from autonomy_core.mail.suppressions import suppress

    with acme.scope() as scope:
        suppress(scope, TO, "unsubscribed")
    put(acme, template=template)
    attempt(acme)
    assert [mail.status for mail in stored(acme)] == [status]


def test_the_log_does_not_contain_the_address(acme, post):
    post.outcomes = [MailRefused(f"550 {TO} unknown", permanent=True), MailRefused(TO, permanent=False)]
    put(acme, "A", "B", "C")
    with capture_logs() as logs:
        attempt(acme)
    assert {entry["event"] for entry in logs} >= {"mail.bounced", "mail.postponed", "mail.sent"}
    assert TO not in repr(logs)


def test_an_answer_is_kept_without_the_address_in_punycode(acme, post):
    post.outcomes = [MailRefused("550 <ada@xn--bcher-kva.example> unknown", permanent=True)]
    put(acme, to="ada@bücher.example")
    attempt(acme)
    assert stored(acme)[0].answer == "550 <(address)> unknown"


def test_an_organisation_sends_from_its_own_mail_server(acme):
    with MailServer() as server:
        account = {"url": server.url, "from": "hello@harbour.example", "from_name": "Harbour Records"}
        acme.organisation("harbour", settings={"mail": account})
        with acme.scope("harbour") as scope:
            send(scope, "mail.test", TO, {})
        acme.run_jobs("harbour")
    [received] = server.received
    assert (received.sender, received.recipient) == ("hello@harbour.example", TO)
    assert received.message["From"] == "Harbour Records <hello@harbour.example>"


def test_without_the_plugin_of_its_mailer_an_account_is_unavailable(acme):
    """An organisation's last good version may name a mailer whose plugin was removed."""
    acme.runtime = replace(acme.runtime, mailers={})
    put(acme)
    attempt(acme)
    assert [(mail.status, mail.answer) for mail in stored(acme)] == [
        ("queued", "no installed plugin has a mailer 'post'")
    ]


def test_a_mailer_that_no_plugin_has_is_a_mistake_of_the_file(acme):
    ini = acme.runtime.settings.tenants / "harbour.ini"
    ini.write_text("[organisation]\nname = H\ncurrency = eur\n\n[mail]\nfrom = h@h.example\nurl = pots:\n")
    acme.runtime.tenants.reload()
    assert acme.runtime.tenants.get("harbour") is None
    assert [str(problem) for problem in acme.runtime.tenants.problems()] == [
        f"{ini}:7: invalid_value: no way to send mail is called 'pots' (did you mean 'post'?)"
    ]
    ini.unlink()
    acme.runtime.tenants.reload()


def test_after_an_error_of_a_mailer_its_connection_is_not_used_again(acme, post):
    post.outcomes = [ZeroDivisionError("a bug")]
    put(acme, "A", "B")
    attempt(acme)
    assert [connection for connection, _ in post.letters] == [1, 2]
    assert [(mail.status, mail.answer) for mail in stored(acme)] == [
        ("queued", "ZeroDivisionError: a bug"),
        ("sent", "250 2.0.0 queued"),
    ]
