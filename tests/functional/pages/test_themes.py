"""Themes: an organisation's own style, logo and templates, and what a mistake in them does."""

import base64

import pytest

PLAIN = '{% extends "shipped/trial/plain.html" %}{% block main %}{{ super() }}<p>Our own</p>{% endblock %}'
ENTER = "trial/enter.html"


@pytest.fixture
def theme(acme):
    """Write a file of the theme, and read it as the server does."""

    def write(name, content):
        path = acme.runtime.settings.tenants / "acme" / "theme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
        acme.runtime.tenants.reload()
        return [f"{each.code}: {each.message}" for each in acme.runtime.tenants.problems()]

    yield write
    for path in sorted((acme.runtime.settings.tenants / "acme").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (acme.runtime.settings.tenants / "acme").rmdir()


def test_a_style_sheet_and_a_logo_are_on_every_page(browser, theme):
    picture = base64.b64decode("iVBORw0KGgo=")
    assert theme("theme.css", ":root { --accent: #6b1d3a; }") == []
    assert theme("logo.png", picture) == []
    page = browser.get("/style-guide")
    sheets = [link["href"] for link in page.html.select("link[rel=stylesheet]")]
    assert "#6b1d3a" in browser.get(sheets[1]).text
    logo = page.html.select_one("header img")
    assert logo["alt"] == "Acme"
    shown = browser.get(logo["src"])
    assert (shown.content_type, shown.body) == ("image/png", picture)
    assert "immutable" in shown.headers["Cache-Control"]


def test_a_change_has_another_address(browser, theme):
    theme("theme.css", ":root { --accent: #6b1d3a; }")
    before = browser.get("/style-guide").html.select("link[rel=stylesheet]")[1]["href"]
    theme("theme.css", ":root { --accent: #1d6b3a; }")
    after = browser.get("/style-guide").html.select("link[rel=stylesheet]")[1]["href"]
    assert before != after
    assert browser.get(before).headers["Cache-Control"] == "no-cache"


def test_templates_and_other_files_are_not_served(browser, theme):
    theme("theme.css", ":root {}")
    theme("templates/trial/plain.html", PLAIN)
    sheet = browser.get("/style-guide").html.select("link[rel=stylesheet]")[1]["href"]
    for name in ("templates/trial/plain.html", "../../acme.ini", "theme.js"):
        browser.get(f"{sheet.rpartition('/')[0]}/{name}", status=404)


def test_a_picture_that_is_opened_as_a_page_runs_nothing(browser, theme):
    theme("logo.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    logo = browser.get("/style-guide").html.select_one("header img")["src"]
    assert browser.get(logo).headers["Content-Security-Policy"].endswith("sandbox")


def test_a_template_replaces_a_shipped_one_and_can_extend_it(browser, theme):
    assert theme("templates/trial/plain.html", PLAIN) == []
    page = browser.get("/guestbook/framed")
    assert [each.text for each in page.html.select("main p")] == ["framed", "Our own"]


def test_another_organisation_has_its_own_templates(acme, browser, theme):
    theme("templates/trial/plain.html", PLAIN)
    acme.organisation("other", plugins=("trial", "host", "stand_ins"), hosts=("other.example",))
    assert "Our own" not in acme.app.browser("https://other.example").get("/guestbook/framed").text


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("trial/plain.html", "{% if %}", "invalid_theme: Expected an expression"),
        ("trial/plain.html", "{{ text|shout }}", "invalid_theme: No filter named 'shout'"),
        ("trial/palin.html", "Hello", "invalid_theme: there is no template 'trial/palin.html' to replace"),
        ("trial/plain.html", b"\xff\n", "not_utf8: the file is not UTF-8 text"),
        ("trial/plain.html", "x" * 100_001, "invalid_theme: it is longer than 100000 characters"),
    ],
)
def test_a_mistake_keeps_the_last_good_version(browser, theme, name, content, problem):
    theme("templates/trial/plain.html", PLAIN)
    (found,) = theme(f"templates/{name}", content)
    assert found.startswith(problem)
    assert "Our own" in browser.get("/guestbook/framed").text


@pytest.mark.parametrize(
    "content",
    [
        "{{ nothing_of_this_name }}",
        '{% extends "no/such.html" %}',
        "{{ page._request.registry }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ text.x.y }}",
        "{% for each in range(10 ** 9) %}x{% endfor %}",
    ],
)
def test_a_template_that_fails_shows_the_shipped_one(browser, theme, content):
    assert theme("templates/trial/plain.html", content) == []
    page = browser.get("/guestbook/framed")
    assert page.html.select_one("main p").text == "framed"


def test_a_theme_of_too_many_bytes_is_refused(browser, theme):
    (found,) = theme("large.png", b"x" * 600_000)
    assert found == "invalid_theme: the files of the theme have more than 512 KiB"


def test_a_link_that_leads_out_of_the_theme_publishes_nothing(acme, browser, theme):
    theme("theme.css", ":root {}")
    root = acme.runtime.settings.tenants / "acme" / "theme"
    (root / "templates" / "trial").mkdir(parents=True)
    (root / "kept.css").symlink_to("theme.css")
    (root / "stolen.css").symlink_to("../../acme.ini")
    (found,) = theme("templates/trial/plain.html", PLAIN)
    assert found == "invalid_theme: it is a link that leads out of the directory of the theme"
    sheet = browser.get("/style-guide").html.select("link[rel=stylesheet]")[1]["href"]
    browser.get(f"{sheet.rpartition('/')[0]}/stolen.css", status=404)


def test_a_problem_of_the_themes_own_part_is_one_of_its_organisation(acme, theme):
    theme("templates/theme/part.html", "{% if %}")
    (problem,) = acme.runtime.tenants.problems()
    assert problem.organisation_id == "acme"
