"""``autonomy mail``: what operators see of the outbox, and do with it."""

import json

import pytest
from click.testing import CliRunner

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.db.base import uuid7
from autonomy_core.mail.delivery import deliver_due
from autonomy_core.plugin_api.mail import MailerUnavailable, MailRefused, send
from autonomy_core.testing import stand_ins
from tests.functional.mail.post import stored

ADA = "ada@example.org"


@pytest.fixture
def run(acme):
    def run(*arguments, status=0):
        context = CliContext()
        context.plugins, context.settings = acme.runtime.plugins, acme.runtime.settings
        context._runtime = acme.runtime
        result = CliRunner().invoke(command, ["mail", *arguments], obj=context)
        assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
        return result.stderr if status else result.stdout

    return run


@pytest.fixture
def sent(acme):
    """The id of a mail that was sent."""
    with acme.scope() as scope:
        mail_id = send(scope, "writing.thanks", ADA, {"title": "First Light"})
    deliver_due(acme.runtime.scope_outside(acme.get_organisation("acme")))
    return str(mail_id)


def test_list_and_show_tell_what_became_of_a_mail(run, sent):
    [listed] = json.loads(run("list", "acme", "--status", "sent", "--json"))
    assert (listed["id"], listed["to"]) == (sent, ADA)
    assert run("list", "acme", "--to", "bob@example.org") == "no mail\n"
    shown = json.loads(run("show", "acme", sent, "--json"))
    assert (shown["status"], shown["answer"]) == ("sent", "250 2.0.0 queued")
    assert "answer              250 2.0.0 queued\n" in run("show", "acme", sent)


def test_resend_puts_a_mail_into_the_outbox_again(acme, run, sent):
    assert f"to {ADA} is in the outbox" in run("resend", "acme", sent)
    assert [mail.status for mail in stored(acme)] == ["sent", "queued"]


def test_a_mail_that_is_not_there_is_named(run):
    assert "acme has no mail" in run("show", "acme", str(uuid7()), status=1)


def test_test_sends_a_mail_at_once_and_prints_the_answer(acme, run, post):
    assert run("test", "acme", ADA) == "250 2.0.0 queued\n"
    assert [letter.recipient for _, letter in post.letters] == [ADA]
    assert stored(acme) == []


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (MailerUnavailable("535 wrong password"), "the account cannot be used: 535 wrong password"),
        (MailRefused("550 no", permanent=True), "the mail server does not accept the mail: 550 no"),
    ],
)
def test_test_explains_a_failure(run, post, outcome, message):
    post.outcomes = [outcome]
    assert message in run("test", "acme", ADA, status=1)


def test_a_stopped_address_gets_mail_when_it_is_allowed(run):
    run("stop", "acme", ADA)
    assert "staff stopped mail to this address" in run("test", "acme", ADA, status=1)
    run("allow", "acme", ADA)
    run("test", "acme", ADA)
    assert "is not stopped" in run("allow", "acme", ADA, status=1)


def test_templates_lists_the_kinds_of_mail_and_their_languages(run):
    listed = {row["template"]: row for row in json.loads(run("templates", "--json"))}
    assert listed["payments.receipt"]["languages"] == ["de", "en"]
    assert "library_url" in listed["payments.receipt"]["values"]
    assert "mail.footer" in listed


def test_preview_shows_a_mail_with_sample_values(run):
    shown = run("preview", "payments.receipt", "--locale", "de-AT")
    assert shown.startswith("Subject: Ihr Beleg von Sample\n\nDanke für Ihren Kauf\n====")
    assert run("preview", "payments.receipt", "--html").startswith("<!doctype html>\n")
    assert run("preview", "payments.receipt", "--text").startswith("Thank you")
    assert run("preview", "payments.receipt", "--source", "--locale", "de").startswith(
        "Subject: {% if is_test %}"
    )
    assert run("preview", "mail.footer", "--source").startswith("This mail was sent by ")


def test_preview_shows_the_look_of_an_organisation(acme, run):
    plugins, settings = ("writing", stand_ins.NAME), {"mail": {"colour": "#0b3d5c"}}
    acme.organisation("acme", plugins=plugins, settings=settings, locale="de")
    assert "#0b3d5c" in run("preview", "payments.receipt", "--organisation", "acme", "--html")
    assert run("preview", "mail.test", "--organisation", "acme").startswith("Subject: Test der E-Mail von ")


def test_preview_names_what_is_wrong(run):
    assert "see autonomy mail templates" in run("preview", "payments.nothing", status=1)
    assert "preview another template" in run("preview", "mail.footer", status=1)
    assert "'german' is no language" in run("preview", "mail.test", "--locale", "german", status=2)


@pytest.mark.parametrize("action", ["test", "stop", "allow"])
def test_what_is_no_address_is_refused(run, action):
    assert "This is not an e-mail address" in run(action, "acme", "ada.example", status=2)
