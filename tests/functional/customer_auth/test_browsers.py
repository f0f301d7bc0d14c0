"""Logins in browsers: a session is a login like any other."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from autonomy_core.db.base import utcnow
from customer_auth.models import LoginSession
from tests.functional.customer_auth.shop import EMAIL, PASSWORD
from tests.support.logins import look_browsers_up_each_time

COOKIE = "__Host-session-acme"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"


@pytest.fixture
def account(shop, monkeypatch):
    """The tokens of a customer. The server looks at each login for each request."""
    look_browsers_up_each_time(shop.autonomy, monkeypatch)
    return shop.register().json


@pytest.fixture
def open_browser(shop):
    def open_browser():
        browser = shop.autonomy.app.browser("https://acme.example")
        browser.headers["User-Agent"] = CHROME
        return browser

    return open_browser


@pytest.fixture
def browser(account, open_browser):
    """A browser in which the customer is logged in."""
    browser = open_browser()
    log_in(browser)
    return browser


def log_in(browser, status=303, email=EMAIL, password=PASSWORD):
    return browser.submit(browser.get("/login"), {"email": email, "password": password}, status=status)


def is_logged_in(browser):
    """Whether the head of a page offers to log out."""
    return browser.get("/style-guide").html.select_one("header form") is not None


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def test_a_login_in_a_browser_is_among_the_customers_logins(shop, account, browser):
    assert is_logged_in(browser)
    logins = shop.get("sessions", bearer(account)).json["items"]
    assert [(each["browser"], each["current"]) for each in logins] == [("Chrome", False), (None, True)]


def test_the_owner_ends_it_from_another_client(shop, account, browser):
    login = shop.get("sessions", bearer(account)).json["items"][0]
    shop.autonomy.app.delete(f"/acme/api/v1/customers/sessions/{login['id']}", headers=bearer(account))
    assert not is_logged_in(browser)


def test_a_changed_password_ends_it(shop, account, browser):
    shop.change_password(account["access_token"], PASSWORD, "another long engine")
    assert not is_logged_in(browser)


def test_a_logout_ends_it_for_every_copy_of_the_cookie(browser, open_browser):
    thief = open_browser()
    thief.cookies.update(browser.cookies)
    assert is_logged_in(thief)
    form = browser.get("/style-guide").html.select_one("header form")
    browser.post(form["action"], {"csrf_token": form.input["value"]}, status=303)
    assert COOKIE not in browser.cookies
    assert not is_logged_in(thief)


def test_a_logout_needs_the_token_of_a_form(browser):
    browser.post("/logout", {"csrf_token": "x"}, status=400)
    browser.get("/logout", status=405)
    assert is_logged_in(browser)


def test_a_login_gives_a_new_session_and_ends_the_one_before(browser, open_browser):
    before = open_browser()
    before.cookies.update(browser.cookies)
    log_in(browser)
    assert browser.cookies[COOKIE] != before.cookies[COOKIE]
    assert is_logged_in(browser)
    assert not is_logged_in(before)


def test_a_session_that_was_planted_is_not_used_for_the_login(account, open_browser):
    browser = open_browser()
    browser.cookies[COOKIE] = "planted"
    log_in(browser)
    assert browser.cookies[COOKIE] != "planted"


def test_the_api_neither_takes_nor_refreshes_the_cookie(shop, account, browser):
    browser.get("/api/v1/customers/me", status=401)
    browser.get("/api/v1/customers/sessions", status=401)


def test_a_token_that_a_client_has_exchanged_opens_no_page(shop, account, open_browser):
    browser = open_browser()
    browser.cookies[COOKIE] = account["refresh_token"]
    assert is_logged_in(browser)
    shop.refresh(account["refresh_token"])
    assert not is_logged_in(browser)


def test_an_expired_login_opens_no_page_and_one_that_is_used_lasts(shop, browser):
    with shop.autonomy.scope() as scope:
        scope.session.execute(
            update(LoginSession).values(
                last_seen_at=utcnow() - timedelta(days=2), expires_at=utcnow() + timedelta(days=1)
            )
        )
    browser.get("/style-guide")
    with shop.autonomy.scope() as scope:
        newest = select(LoginSession).order_by(LoginSession.id.desc()).limit(1)
        login = scope.session.scalars(newest).one()
        assert login.expires_at > utcnow() + timedelta(days=29)
        assert login.last_seen_at > utcnow() - timedelta(minutes=1)
        scope.session.execute(update(LoginSession).values(expires_at=utcnow()))
    assert not is_logged_in(browser)


def test_a_wrong_password_is_said_above_the_form(account, open_browser):
    browser = open_browser()
    page = log_in(browser, 401, password="a wrong engine")
    assert page.html.find(role="alert").text.strip() == "The e-mail address or the password is wrong."
    assert page.html.find(id="email")["value"] == EMAIL
    assert page.html.find(id="password").get("value") is None
    assert COOKIE not in browser.cookies


def test_too_many_wrong_passwords_are_refused(make_shop, open_browser):
    shop = make_shop(failed_logins_per_email_and_address=1)
    shop.register()
    log_in(open_browser(), 401, password="a wrong engine")
    page = log_in(open_browser(), 429, password="a wrong engine")
    assert page.html.find(role="alert").text.strip().startswith("There were too many attempts.")


def test_a_login_in_one_shop_is_none_in_another(account, browser, other_shop):
    other = other_shop.autonomy.app.browser("https://beacon.example")
    other.cookies["__Host-session-beacon"] = browser.cookies[COOKIE]
    assert not is_logged_in(other)
