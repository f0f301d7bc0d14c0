"""Forms: what they take, how they are shown again, and who may send them."""

import pytest

from tests.functional.pages.trial import views

ENTRY = {"name": "Ada", "words": "Hello"}


@pytest.fixture(autouse=True)
def _no_entries():
    views.ENTRIES.clear()


def test_a_form_leads_to_another_page(browser):
    answer = browser.submit(browser.get("/guestbook"), ENTRY, status=303)
    assert answer.headers["Location"] == "https://acme.example/guestbook"
    assert answer.headers["Cache-Control"] == "no-store"
    assert views.ENTRIES == [{**ENTRY, "public": False}]


def test_a_form_with_mistakes_is_shown_again_with_what_was_entered(browser):
    page = browser.submit(browser.get("/guestbook"), {"name": "x" * 21, "words": "Hello"}, status=422)
    field = page.html.find(id="name")
    assert field["value"] == "x" * 21
    assert field["aria-invalid"] == "true"
    assert page.html.find(id="name-error").text.strip() == "Longer than maximum length 20."
    assert page.html.find(id="words").text.strip() == "Hello"
    assert page.html.find(role="alert").text.strip() == "Please correct what is marked below."
    assert views.ENTRIES == []
    browser.submit(page, {"name": "Ada"}, status=303)


def test_a_message_without_translation_is_a_general_one(browser):
    browser.headers["Accept-Language"] = "de"
    page = browser.submit(browser.get("/guestbook"), {"name": "x" * 21, "words": ""}, status=422)
    assert page.html.find(id="name-error").text.strip() == "Bitte prüfen Sie diese Eingabe."
    assert page.html.find(id="words-error").text.strip() == "Bitte füllen Sie dieses Feld aus."


def test_a_refusal_of_a_service_is_shown_above_the_form(browser):
    page = browser.get("/guestbook")
    browser.submit(page, ENTRY, status=303)
    again = browser.submit(page, ENTRY, status=409)
    assert again.html.find(role="alert").text.strip() == "There is an entry of Ada already."
    assert again.html.find(id="words").text.strip() == "Hello"


def test_a_checkbox_is_sent_only_if_it_is_checked(browser):
    browser.submit(browser.get("/guestbook"), {**ENTRY, "public": True}, status=303)
    assert views.ENTRIES[0]["public"] is True


def test_what_was_entered_is_escaped(browser):
    hostile = '"><script>alert(1)</script>'
    page = browser.submit(browser.get("/guestbook"), {"name": hostile, "words": "</textarea><b>"}, status=422)
    assert page.html.find(id="name")["value"] == hostile
    assert page.html.select("main script, main b") == []


@pytest.mark.parametrize("token", [None, "", "x", "ü", "0" * 64])
def test_a_form_without_its_token_is_refused(browser, token):
    browser.get("/guestbook")
    values = ENTRY if token is None else {**ENTRY, "csrf_token": token}
    page = browser.post("/guestbook", values, status=400)
    assert page.html.h1.text == "This request cannot be read"
    assert views.ENTRIES == []


def test_a_token_that_is_a_file_is_refused(browser):
    token = browser.get("/guestbook").forms[0]["csrf_token"].value
    files = [("csrf_token", "token.txt", token.encode())]
    browser.post("/guestbook", ENTRY, upload_files=files, status=400)
    assert views.ENTRIES == []


def test_the_token_of_another_visitor_is_refused(acme, browser):
    page = acme.app.browser("https://acme.example").get("/guestbook")
    browser.get("/guestbook")
    browser.submit(page, ENTRY, status=400)
    browser.cookies.clear()
    browser.submit(page, ENTRY, status=400)


def test_the_token_of_another_organisation_is_refused(acme):
    acme.organisation("other", plugins=("trial", "host", "stand_ins"), hosts=("other.example",))
    browser = acme.app.browser("https://shared.example")
    values = browser.get("/acme/guestbook").forms[0].submit_fields()
    browser.get("/other/guestbook")
    assert browser.cookies.keys() == {"__Host-visitor-acme", "__Host-visitor-other"}
    browser.cookies["__Host-visitor-other"] = browser.cookies["__Host-visitor-acme"]
    browser.post("/other/guestbook", values, status=400)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://acme.example.evil.example"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_cannot_send_a_form(browser, headers):
    page = browser.submit(browser.get("/guestbook"), ENTRY, headers=headers, status=403)
    assert page.html.h1.text == "You may not see this page"
    assert views.ENTRIES == []


def test_only_forms_of_a_limited_size_are_read(browser):
    token = browser.get("/guestbook").forms[0]["csrf_token"].value
    json = {"Content-Type": "application/json", "X-CSRF-Token": token}
    browser.post("/guestbook", "{}", headers=json, status=415)
    browser.post("/guestbook", {**ENTRY, "csrf_token": token, "more": "x" * 300_000}, status=413)


def test_an_unknown_field_and_a_file_are_refused(acme, browser):
    token = browser.get("/guestbook").forms[0]["csrf_token"].value
    browser.post("/guestbook", {**ENTRY, "csrf_token": token, "admin": "yes"}, status=422)
    files = [("words", "a.txt", b"Hello")]
    browser.post("/guestbook", {"name": "Ada", "csrf_token": token}, upload_files=files, status=422)
    assert views.ENTRIES == []
