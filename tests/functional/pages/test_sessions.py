"""Sessions of browsers: their cookie, and what it opens."""

import pytest

COOKIE = "__Host-session-acme"


def log_in(browser, customer, **values):
    return browser.submit(browser.get("/enter"), {"token": str(customer.id), **values}, status=303)


def test_a_login_sets_a_cookie_that_scripts_and_other_sites_cannot_use(acme, browser):
    answer = log_in(browser, acme.customer())
    cookie = next(each for each in answer.headers.getall("Set-Cookie") if each.startswith(COOKIE))
    assert set(cookie.split("; ")[1:]) >= {"Path=/", "secure", "HttpOnly", "SameSite=Lax", "Max-Age=3600"}
    assert "Domain" not in cookie


def test_on_the_own_machine_the_cookie_needs_no_tls(acme):
    acme.organisation(plugins=("trial", "host", "stand_ins"), hosts=("localhost:6543",))
    browser = acme.app.browser("http://localhost:6543")
    log_in(browser, acme.customer())
    assert "session-acme" in browser.cookies
    browser.get("/guestbook/own")


def test_over_http_elsewhere_the_cookie_still_demands_tls(acme):
    browser = acme.app.browser("http://acme.example")
    log_in(browser, acme.customer())
    assert COOKIE in browser.cookies


def test_a_page_knows_who_is_logged_in(acme, browser):
    customer = acme.customer()
    log_in(browser, customer)
    assert str(customer.id) in browser.get("/guestbook/own").text


def test_a_visitor_is_led_to_the_login_and_back(acme, browser):
    answer = browser.get("/guestbook/own?q=1", status=303)
    assert answer.headers["Location"].endswith("/enter?next=%2Fguestbook%2Fown%3Fq%3D1")
    answer = log_in(browser, acme.customer(), next="/guestbook/own?q=1")
    assert answer.headers["Location"] == "https://acme.example/guestbook/own?q=1"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\tb",
        "guestbook",
        "/guestbook/../../evil",
        "/guestbook/%2E%2e/evil",
        "/.",
        "/" * 2001,
    ],
)
def test_a_login_leads_to_pages_of_the_organisation_only(acme, browser, target):
    answer = log_in(browser, acme.customer(), next=target)
    assert answer.headers["Location"] == "https://acme.example/"


def test_the_api_does_not_take_the_cookie(acme, browser):
    log_in(browser, acme.customer())
    for path in ("/api/v1/customers/me", "/acme/api/v1/customers/me"):
        browser.get(path, status=401)


def test_pages_do_not_take_tokens(acme, browser):
    browser.get("/guestbook/own", headers=acme.as_customer(acme.customer()), status=303)
    browser.get("/guestbook/own", headers=acme.as_staff(), status=303)


def test_a_session_is_one_of_one_organisation(acme):
    acme.organisation("other", plugins=("trial", "host", "stand_ins"), hosts=("other.example",))
    browser = acme.app.browser("https://shared.example")
    customer = acme.customer()
    browser.submit(browser.get("/acme/enter"), {"token": str(customer.id)}, status=303)
    browser.get("/acme/guestbook/own")
    browser.get("/other/guestbook/own", status=303)


def test_forms_from_before_a_login_are_out_of_date(acme, browser):
    before = browser.get("/guestbook")
    log_in(browser, acme.customer())
    browser.submit(before, {"name": "Ada", "words": "Hello"}, status=400)


def test_a_form_in_the_head_ends_the_session(acme, browser):
    log_in(browser, acme.customer())
    page = browser.get("/guestbook")
    form = page.html.select_one("header form")
    assert form["action"] == "/leave"
    values = {"csrf_token": form.find("input")["value"]}
    browser.post("/leave", values, status=303)
    assert COOKIE not in browser.cookies
    browser.get("/guestbook/own", status=303)


@pytest.mark.parametrize("value", ["", "x" * 2000, "0198a5fb-36e6-704f-bf65-7996df9a18e", "%00", "ü"])
def test_a_cookie_that_is_no_session_opens_nothing(browser, value):
    browser.cookies[COOKIE] = value.encode().decode("latin-1")
    browser.get("/guestbook/own", status=303)
    browser.get("/guestbook")
