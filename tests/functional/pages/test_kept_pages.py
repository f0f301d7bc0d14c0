"""Pages for all visitors are answered from memory until the catalogue changes."""

import pytest

from tests.functional.pages.trial import views

pytestmark = pytest.mark.concurrent


def token_of(page):
    return page.html.find("input", {"name": "csrf_token"})["value"]


def test_a_kept_page_is_made_once_for_all_visitors(committed):
    views.ENTRIES.clear()
    committed.organisation(plugins=("trial", "host", "stand_ins"), hosts=("acme.example",))
    browser, other = (committed.app.browser("https://acme.example") for _ in range(2))
    first = browser.get("/guestbook")
    views.ENTRIES.append({"name": "Ada", "words": "in no table of the catalogue"})
    second = other.get("/guestbook")
    assert "Ada" not in second.text
    assert token_of(first) != token_of(second)
    assert token_of(first) == token_of(browser.get("/guestbook"))
    assert first.headers["ETag"] != second.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Ada" in browser.get("/guestbook", headers={"Accept-Language": "de"}).text
    other.cookies["__Host-session-acme"] = str(committed.customer().id)
    assert "Ada" in other.get("/guestbook").text
    committed.product()
    assert "Ada" in browser.get("/guestbook").text
    assert "Ada" in browser.submit(first, {"name": "", "words": "x"}, status=422).text
