"""A mail of an organisation: its look, its language, and its own texts."""

import re
from html.parser import HTMLParser

import pytest
from structlog.testing import capture_logs

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.mail.rendering import Look, render_for, text_colour
from autonomy_core.mail.sandbox import TemplateProblem
from autonomy_core.payments.mails import TEMPLATES

RECEIPT = next(each for each in TEMPLATES if each.name == "payments.receipt")
LOOK = Look("Häfen & Söhne", "help@shop.example", "#ffcc00", "https://shop.example/logo.png")
OWN = "Subject: Ahoy\n\nYour payment {{ payment_id }}."


def rendered(look=LOOK, locale=None, **values):
    return render_for(look, RECEIPT, {**RECEIPT.sample, **values}, locale=locale)


def test_a_mail_has_the_look_of_the_organisation():
    mail = rendered()
    assert mail.subject == "Your receipt from Häfen & Söhne"
    assert '<img src="https://shop.example/logo.png" alt="Häfen &amp; Söhne"' in mail.html
    assert "border-top:4px solid #ffcc00" in mail.html
    assert "background:#ffcc00;color:#000000" in mail.html
    assert 'href="mailto:help@shop.example"' in mail.html
    assert mail.text.endswith("Write to\nhelp@shop.example.\n")


def test_text_and_html_say_the_same():
    mail, words = rendered(), Words()
    words.feed(mail.html.partition("</title>")[2])
    # The logo stands for the name.
    assert words_of(mail.text) == words_of(" ".join(words.found))


class Words(HTMLParser):
    """Collects the texts of a page, and the addresses of its links."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [dict(attrs)["href"].removeprefix("mailto:")] if tag == "a" else []

    def handle_data(self, data):
        self.found.append(data)


def words_of(text):
    return set(re.findall(r"[\w€]+", text))


@pytest.mark.parametrize(
    ("account", "organisation", "language"),
    [("de-AT", "en", "de"), (None, "de", "de"), ("fr", "de", "de"), ("fr", None, "en"), ("en", "de", "en")],
)
def test_the_account_chooses_the_language_then_the_organisation(account, organisation, language):
    mail = rendered(Look("Shop", locale=organisation), account)
    assert mail.language == language
    assert f'<html lang="{language}" dir="ltr">' in mail.html
    assert {"de": "Danke", "en": "Thank you"}[language] in mail.text


def test_a_value_that_is_not_given_is_none():
    mail = render_for(
        LOOK,
        RECEIPT,
        {
            "items": [],
            "amount": 0,
            "currency": "eur",
            "completed_at": "2026-11-30T13:05:00+00:00",
            "payment_id": "p",
        },
        locale=None,
    )
    assert "To listen, log in" in mail.text
    assert "consent" not in mail.text


def test_a_test_payment_says_so():
    assert rendered(is_test=True).subject.startswith("[Test] ")
    assert "No money was moved" in rendered(is_test=True).text
    assert "est payment" not in rendered(is_test=False).text


def test_hostile_values_stay_values():
    title = "<script>alert(1)</script>\r\nBcc: [x](https://evil.example) {{ amount }} \u202e"
    mail = rendered(items=[{"title": title, "amount": 1}], library_url="javascript:alert(1)", coupon=title)
    assert "<script" not in mail.html
    assert "javascript:" not in mail.html
    assert 'href="https://evil.example' not in mail.html
    assert "\u202e" not in mail.html + mail.text
    assert "{{ amount }}" in mail.text
    look = Look('"><script>', '"><script>@x', logo=None)
    assert "<script" not in rendered(look).html


def test_the_organisation_replaces_a_text_and_adds_a_language():
    look = Look(
        "Shop", texts={"payments.receipt.en.md": OWN, "payments.receipt.fr.md": OWN.replace("Ahoy", "Salut")}
    )
    assert rendered(look).subject == "Ahoy"
    assert rendered(look, "fr-CA").subject == "Salut"
    assert rendered(look, "de").subject == "Ihr Beleg von Shop"


def test_the_organisation_replaces_the_footer():
    look = Look("Shop", texts={"mail.footer.de.md": "Impressum: Shop GmbH"})
    assert rendered(look, "de").text.endswith("-- \nImpressum: Shop GmbH\n")
    assert "Shop GmbH" in rendered(look, "de").html
    assert "Shop GmbH" not in rendered(look, "en").text


def test_a_mail_in_arabic_goes_from_right_to_left():
    look = Look("Shop", texts={"payments.receipt.ar.md": "Subject: إيصال\n\n{{ payment_id }} شكرا"})
    mail = rendered(look, "ar")
    assert '<html lang="ar" dir="rtl">' in mail.html
    assert f"\u2068{RECEIPT.sample['payment_id']}\u2069" in mail.text


def test_an_own_text_that_fails_is_replaced_by_the_shipped_one():
    look = Look("Shop", texts={"payments.receipt.en.md": "Subject: s\n\n{{ coupon.code }}"})
    with capture_logs() as logs:
        assert rendered(look, coupon="SECRET").subject == "Your receipt from Shop"
    assert [(entry["event"], entry["line"]) for entry in logs] == [("mail.own_source_failed", 3)]
    assert "SECRET" not in str(logs)


def test_a_shipped_text_that_fails_raises():
    with pytest.raises(TemplateProblem, match="cannot be used"):
        rendered(amount="12.50")


def test_a_kind_of_mail_without_a_text_says_which_file_is_missing():
    with pytest.raises(TemplateProblem, match=r"mail/payments\.gift\.en\.md"):
        render_for(LOOK, MailTemplate("payments.gift", "autonomy_core.payments"), {}, locale=None)


def test_a_bulk_mail_names_the_link_that_ends_it():
    assert "Unsubscribe" in rendered(unsubscribe_url="https://shop.example/u").text
    assert "Unsubscribe" not in rendered().text


@pytest.mark.parametrize(
    ("background", "text"),
    [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#1f3a5f", "#ffffff"), ("#ffcc00", "#000000")],
)
def test_text_on_a_button_is_readable(background, text):
    assert text_colour(background) == text
