"""Every page and every form of every plugin, found in the registry: what no request may achieve."""

import pytest

from autonomy_core.cli.registrations import addresses
from autonomy_core.testing.application import chosen_plugins

HOSTILE = '"><script>alert(1)</script>'
SECRET = "Only in the first shop"


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins()


@pytest.fixture
def shops(autonomy):
    """Two organisations with all plugins that have pages, on one host. The first has a product."""
    plugins = ("customer_auth", "storefront", "stand_ins")
    for organisation_id in ("first", "second"):
        autonomy.organisation(organisation_id, plugins=plugins)
    autonomy.product("first", title=SECRET, slug="secret", tags=["secret"])
    return autonomy


@pytest.fixture
def pages(shops):
    """Each page with its path below an organisation."""
    registry = shops.app.app.registry
    where = addresses(registry)
    found = [
        (page, f"{path}/{page.name}".rstrip("/").replace("/{organisation}", "", 1).format(slug="secret"))
        for page in registry.pages
        for context, paths in where.items()
        if issubclass(context, page.context)
        for path in paths
    ]
    assert {page.id for page, _ in found} == {page.id for page in registry.pages}
    return found


@pytest.fixture
def browser(shops):
    return shops.app.browser("https://shared.example")


def test_every_page_is_answered_and_none_shows_another_shops_products(pages, browser):
    shown = 0
    for page, path in pages:
        if page.method == "GET":
            shown += SECRET in browser.get(f"/first{path}", status="*").text
            assert SECRET not in browser.get(f"/second{path}", status="*").text
    assert shown >= 2


def test_no_page_repeats_what_a_query_makes_of_it(pages, browser):
    for page, path in pages:
        if page.method == "GET":
            names = dict.fromkeys((*page.query().load_fields, "lang", "anything"), HOSTILE)
            answer = browser.get(f"/first{path}", names, status="*")
            assert answer.status_int < 500
            assert HOSTILE not in answer.text


def test_no_form_is_taken_from_another_site_or_without_its_token(pages, browser):
    forms = [(page, path) for page, path in pages if page.method == "POST"]
    assert forms
    for _, path in forms:
        token = browser.get("/first/login").forms[0]["csrf_token"].value
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            browser.post(f"/first{path}", {"csrf_token": token}, headers=headers, status=403)
        browser.post(f"/first{path}", {"csrf_token": "x"}, status=400)
        browser.post(f"/second{path}", {"csrf_token": token}, status=400)


def test_a_host_that_is_made_up_changes_no_page_and_poisons_no_cache(shops, pages, browser):
    for page, path in pages:
        if page.method == "GET":
            for headers in ({"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
                assert "evil.example" not in browser.get(f"/first{path}", headers=headers, status="*").text
            other = shops.app.browser("https://evil.example").get(f"/first{path}", status="*")
            assert 'rel="canonical" href="https://evil.example' not in other.text
