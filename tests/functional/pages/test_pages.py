"""Pages: how they are found, shown, kept, and answered when something is wrong."""

from types import ModuleType

import pytest

from autonomy_core.kernel.hooks import hookimpl
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.pages import SlotContent
from autonomy_core.pages.registrations import parts_of
from tests.functional.pages.trial import host, views


@pytest.fixture(autouse=True)
def _no_entries():
    views.ENTRIES.clear()


def test_a_page_is_shown_on_the_organisations_host(browser):
    page = browser.get("/guestbook")
    assert page.html.h1.text == "Guestbook"
    assert page.html.title.text == "Guestbook · Acme"
    assert [link.text for link in page.html.select("header nav a")] == ["Guestbook"]
    assert page.html.select_one("[aria-current=page]")["href"] == "/guestbook"


def test_a_page_is_shown_below_the_path_of_the_organisation(acme):
    browser = acme.app.browser("https://shared.example")
    page = browser.get("/acme/guestbook")
    assert page.html.form["action"] == "/acme/guestbook"
    browser.get("/guestbook", status=404)


def test_the_host_of_another_organisation_does_not_show_its_pages(acme):
    acme.organisation("other", plugins=("stand_ins",), hosts=("other.example",))
    for path in ("/guestbook", "/acme/guestbook"):
        acme.app.browser("https://other.example").get(path, status=404)


def test_a_disabled_plugin_has_no_pages(acme):
    acme.organisation("other", plugins=("host", "stand_ins"), hosts=("other.example",))
    browser = acme.app.browser("https://other.example")
    assert browser.get("/guestbook", status=404).html.select("header nav") == []


def test_a_plugin_fills_the_slot_of_another(browser):
    assert "Below: 2" in browser.get("/guestbook").text


def test_a_disabled_plugin_fills_no_slot(acme, browser, monkeypatch):
    assert "Below" in browser.get("/guestbook").text
    renderer = acme.app.app.registry.page_renderer
    others = tuple(("other", content) for _, content in renderer.parts.contents)
    monkeypatch.setattr(renderer, "parts", type(renderer.parts)(renderer.parts.files, (), others))
    acme.product()
    assert "Below" not in browser.get("/guestbook?q=again").text


def test_a_content_for_an_unknown_slot_stops_the_start():
    content = SlotContent("host.bellow", "trial/below.html")
    misspelt = ModuleType("misspelt")

    @hookimpl
    def register_page_slots():
        return [content]

    misspelt.register_page_slots = register_page_slots
    with pytest.raises(PluginError, match=r"plugin misspelt: it fills the slot 'host.bellow'"):
        parts_of(Plugins({"misspelt": misspelt, "host": host}))


def test_values_are_escaped(browser):
    views.ENTRIES.append({"name": "<script>alert(1)</script>", "words": '"><img src=x onerror=alert(1)>'})
    page = browser.get("/guestbook?q=%3Cb%3E")
    assert page.html.select("main script, main img, main b") == []
    assert "<script>alert(1)</script>" in page.html.main.text


def test_unknown_parameters_are_ignored(browser):
    assert "words" in browser.get("/guestbook?utm_source=mail&q=words").html.p.text


def test_a_parameter_that_is_not_valid_is_an_error_page(browser):
    page = browser.get(f"/guestbook?q={'x' * 21}", status=422)
    assert page.html.h1.text == "Something is not right"


# Keeping


def test_a_browser_that_has_a_kept_page_gets_304(acme, browser):
    first = browser.get("/guestbook")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = browser.get("/guestbook", headers=tag, status=304)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    other = acme.app.browser("https://acme.example")
    assert other.get("/guestbook", headers=tag).headers["ETag"] != first.headers["ETag"]


def test_a_page_for_a_session_is_not_kept_and_not_stored(acme, browser):
    browser.get("/guestbook")
    browser.cookies["__Host-session-acme"] = str(acme.customer().id)
    views.ENTRIES.append({"name": "Ada", "words": "for all to see"})
    page = browser.get("/guestbook")
    assert "Ada" in page.text
    assert [link.text for link in page.html.select("header nav a")] == ["Guestbook", "Your entries"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "ETag" not in page.headers


# Languages


def test_the_browser_chooses_the_language(browser):
    page = browser.get("/guestbook", headers={"Accept-Language": "fr, de-AT;q=0.9, en;q=0.8"})
    assert page.html.html["lang"] == page.headers["Content-Language"] == "de-AT"
    assert page.html.find("a", {"class": "skip"}).text == "Zum Inhalt springen"
    assert {"Accept-Language", "Cookie"} <= set(", ".join(page.headers.getall("Vary")).split(", "))


def test_a_visitor_chooses_another_language(browser):
    page = browser.get("/guestbook?lang=de")
    assert page.html.html["lang"] == "de"
    assert browser.cookies["lang"] == "de"
    assert browser.get("/guestbook").html.html["lang"] == "de"
    current = page.html.select_one("footer [aria-current]")
    assert (current.text, current["href"]) == ("Deutsch", "/guestbook?lang=de")


def test_a_language_leads_to_no_other_host(browser):
    links = browser.get("//evil.example/x", status=404).html.select("footer a")
    assert [each["href"] for each in links] == ["/evil.example/x?lang=de", "/evil.example/x?lang=en"]


def test_the_language_of_the_organisation_is_the_default(acme):
    acme.organisation(plugins=("trial", "host", "stand_ins"), hosts=("acme.example",), locale="de")
    browser = acme.app.browser("https://acme.example")
    assert browser.get("/guestbook", headers={"Accept-Language": "fr"}).html.html["lang"] == "de"
    assert browser.get("/guestbook", headers={"Accept-Language": "en"}).html.html["lang"] == "en"


# Errors


def test_a_browser_gets_pages_of_errors_and_a_program_gets_problems(acme, browser):
    page = browser.get("/nothing", status=404)
    assert page.html.h1.text == "This page does not exist"
    assert page.headers["Cache-Control"] == "no-store"
    problem = acme.app.get("/nothing", headers={"Host": "acme.example", "Accept": "*/*"}, status=404)
    assert problem.json["code"] == "not_found"


def test_the_api_answers_browsers_with_problems(browser):
    assert browser.get("/api/v1/nothing", status=404).json["code"] == "not_found"
    assert browser.get("/acme/api/v1/nothing", status=404).json["code"] == "not_found"


def test_a_crash_shows_nothing_of_the_server(browser):
    page = browser.get("/guestbook/broken", status=500)
    assert page.html.h1.text == "Something went wrong"
    assert "secret" not in page.text


def test_a_wrong_method_is_answered_with_the_right_ones(browser):
    page = browser.post("/style-guide", {}, status=405)
    assert page.headers["Allow"] == "GET, HEAD"
    assert page.html.h1.text == "This page cannot be used like this"


def test_head_is_answered_like_get(acme):
    headers = {"Host": "acme.example", "Accept": "text/html"}
    response = acme.app.head("/guestbook", headers=headers)
    assert (response.status_int, response.body) == (200, b"")
    assert acme.app.head("/nothing", headers=headers, status=404).body == b""


@pytest.mark.parametrize("path", ["/", "/guestbook", "/acme", "/health"])
def test_a_host_of_no_organisation_has_a_page_that_says_so(autonomy, path):
    page = autonomy.app.browser("https://nobody.example").get(path, status=404)
    assert page.content_type == ("application/problem+json" if path == "/health" else "text/html")


def test_the_first_page_without_a_shop_says_so(browser):
    page = browser.get("/", status=404)
    assert page.html.h1.text == "There are no pages here"
    assert "Acme" in page.text


def test_an_unavailable_organisation_is_a_page(acme, browser):
    path = acme.runtime.settings.tenants / "broken.ini"
    path.write_text("[organisation]\nname = Broken\n")
    acme.runtime.tenants.reload()
    page = acme.app.browser("https://shared.example").get("/broken/guestbook", status=503)
    assert page.html.h1.text == "We will be back soon"
    assert page.headers["Retry-After"] == "60"
    path.unlink()


def test_an_unreadable_path_is_a_page(browser):
    assert browser.get("/%ff", status=400).html.h1.text == "This request cannot be read"


# Headers and files


def test_a_page_may_be_framed_and_lead_elsewhere_only_as_its_view_says(browser):
    assert "frame-ancestors 'none'" in browser.get("/guestbook").headers["Content-Security-Policy"]
    policy = browser.get("/guestbook/framed").headers["Content-Security-Policy"]
    assert "frame-ancestors https://blog.example;" in policy
    assert "form-action 'self' https://checkout.example;" in policy


def test_static_files_have_the_hash_of_their_content(acme, browser):
    path = acme.app.app.registry.page_renderer.assets.path("trial", "trial.css")
    response = browser.get(path)
    assert response.content_type == "text/css"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    beside = f"{path.rpartition('/')[0]}/picture.svg"
    assert browser.get(beside).content_type == "image/svg+xml"
    for name in ("notes.txt", "../plugin.py", "%2e%2e/plugin.py", ""):
        browser.get(f"{path.rpartition('/')[0]}/{name}", status=404)


def test_a_file_of_another_version_is_not_kept(acme, browser):
    path = acme.app.app.registry.page_renderer.assets.path("pages", "autonomy.css")
    older = path.replace(path.split("/")[4], "0" * 16)
    assert browser.get(older).headers["Cache-Control"] == "no-cache"


def test_every_component_is_on_the_style_guide(browser):
    page = browser.get("/style-guide")
    assert len(page.html.select("svg.swatch")) > 10
    for component in (".button, button", ".field", ".notice.bad", "table", ".badge", ".grid"):
        assert page.html.select(component)
