"""What a recipient reads: the organisation's look, its language and its own texts."""

from dataclasses import replace

import pytest

from autonomy_core.mail.delivery import deliver_due
from autonomy_core.plugin_api.mail import send
from autonomy_core.testing import stand_ins
from tests.functional.mail.post import SETTINGS, stored

TO = "ada@example.org"


@pytest.fixture
def tenants(acme):
    """The directory of the organisations' files, with a directory of texts for `acme`."""
    (acme.runtime.settings.tenants / "acme" / "mail").mkdir(parents=True, exist_ok=True)
    yield acme.runtime.settings.tenants
    for each in (acme.runtime.settings.tenants / "acme" / "mail").iterdir():
        each.unlink()


def configure(application, *, locale=None, **mail):
    more = {"support_email": "help@acme.example", "time_zone": "Europe/Vienna"}
    more |= {"locale": locale} if locale else {}
    settings = {"mail": {**SETTINGS["mail"], **mail}}
    application.organisation("acme", plugins=("writing", stand_ins.NAME), settings=settings, **more)


def received(application, post, template="payments.receipt", *, locale=None):
    """Send a mail with the values of its sample, and return the message."""
    templates = application.runtime.mail_templates
    # Without its preparation, which reads rows that this test has not made.
    plain = replace(templates[template], prepare=None)
    application.runtime = replace(application.runtime, mail_templates={**templates, template: plain})
    with application.scope() as scope:
        send(scope, template, TO, plain.sample, locale=locale)
    deliver_due(application.runtime.scope_outside(application.get_organisation("acme")))
    assert [mail.status for mail in stored(application)][-1] == "sent"
    return post.letters[-1][1].message


def text_of(message):
    return message.get_body(("plain",)).get_content()


def test_a_receipt_is_in_the_language_of_the_account(acme, post):
    configure(
        acme, locale="en", colour="#0b3d5c", logo="https://acme.example/logo.png", reply_to="a@acme.example"
    )
    message = received(acme, post, locale="de-AT")
    assert message["Subject"].startswith("Ihr Beleg von ")
    assert message["Content-Language"] == "de"
    assert str(message["Reply-To"]) == "a@acme.example"
    assert "€ 16,20" in text_of(message).replace("\xa0", " ")
    assert "30. November 2026, 14:05 MEZ" in text_of(message)
    assert "help@acme.example" in text_of(message)
    page = message.get_body(("html",)).get_content()
    assert "#0b3d5c" in page
    assert "https://acme.example/logo.png" in page


def test_without_a_language_the_organisation_decides(acme, post):
    configure(acme, locale="de")
    assert received(acme, post)["Content-Language"] == "de"
    configure(acme)
    assert received(acme, post)["Content-Language"] == "en"


def test_a_plugin_replaces_a_text_and_adds_a_language(acme, post, tenants):
    """For the organisations that have enabled it; a text of the organisation comes first."""
    configure(acme)
    assert received(acme, post, "payments.refund")["Subject"] == "Money back from Acme"
    assert received(acme, post, locale="fr")["Subject"] == "Votre reçu de Acme"
    (tenants / "acme" / "mail" / "payments.refund.en.md").write_text("Subject: Our own\n\nMoney.\n")
    acme.runtime.tenants.reload()
    assert received(acme, post, "payments.refund")["Subject"] == "Our own"
    acme.organisation("acme", plugins=(stand_ins.NAME,), settings=SETTINGS)
    assert received(acme, post, locale="fr")["Subject"].startswith("Your receipt from ")


def test_the_organisation_s_own_text_is_sent_while_it_is_good(acme, post, tenants):
    configure(acme)
    own = tenants / "acme" / "mail" / "payments.receipt.en.md"
    own.write_text("Subject: Ahoy\n\nYou paid {{ amount|money(currency) }}.\n")
    acme.runtime.tenants.reload()
    assert received(acme, post)["Subject"] == "Ahoy"
    own.write_text("Subject: Broken\n\nYou paid {{ amuont|money(currency) }}.\n")
    acme.runtime.tenants.reload()
    assert received(acme, post)["Subject"] == "Ahoy"
    [problem] = [str(each) for each in acme.runtime.tenants.problems()]
    assert problem == (
        f"{own}:3: invalid_mail_template: payments.receipt has no value 'amuont' (did you mean 'amount'?)"
    )
    own.unlink()
    acme.runtime.tenants.reload()
    assert received(acme, post)["Subject"].startswith("Your receipt from ")
