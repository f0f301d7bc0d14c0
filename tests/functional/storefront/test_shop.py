"""The pages of a shop."""

from dataclasses import replace

import pytest
from jinja2.exceptions import SecurityError

from autonomy_core.languages import choose
from autonomy_core.testing.application import chosen_plugins

HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}"


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("storefront")


@pytest.fixture
def shop(autonomy):
    autonomy.organisation(plugins=("storefront", "stand_ins"), hosts=("acme.example",))
    return autonomy


@pytest.fixture
def browser(shop):
    return shop.app.browser("https://acme.example")


def titles(page):
    return [each.text for each in page.html.select(".card h3")]


def test_the_first_page_shows_all_releases(shop, browser):
    shop.product(title="First Light", artist="Ada", amount=900)
    shop.product(title="Second Light", amount=0)
    shop.product(title="A draft", active=False)
    page = browser.get("/")
    assert titles(page) == ["Second Light", "First Light"]
    assert page.html.h1.text == "Acme"
    assert [each.text for each in page.html.select(".card .small")] == ["Free", "€9.00"]
    assert page.html.select_one(".card a")["href"] == "/releases/second-light"
    assert page.html.select_one("link[rel=canonical]")["href"] == "https://acme.example/"


def test_an_empty_shop_says_so(browser):
    page = browser.get("/")
    assert page.html.h2.text == "There is nothing here yet"
    assert page.html.find("form", role="search") is None


def test_a_visitor_searches_and_orders(shop, browser):
    shop.product(title="First Light", tags=["ambient"], amount=900)
    shop.product(title="Dark", artist="Ada", amount=500)
    assert titles(browser.get("/?q=light&sort=newest")) == ["First Light"]
    assert titles(browser.get("/?q=&sort=price")) == ["Dark", "First Light"]
    assert titles(browser.get("/?tag=ambient")) == ["First Light"]
    assert titles(browser.get("/?artist=ada")) == ["Dark"]
    assert browser.get("/?q=nothing").html.h2.text == "Nothing was found"


def test_a_long_list_continues_on_the_next_page(shop):
    shop.organisation(
        plugins=("storefront", "stand_ins"),
        hosts=("acme.example",),
        settings={"storefront": {"per_page": "1", "tagline": "Records & more"}},
    )
    browser = shop.app.browser("https://acme.example")
    for title in ("One", "Two"):
        shop.product(title=title)
    page = browser.get("/?sort=title")
    assert page.html.select_one("main .soft").text == "Records & more"
    assert titles(page) == ["One"]
    assert titles(browser.get(page.html.select_one("a[rel=next]")["href"])) == ["Two"]


def test_a_release_shows_what_visitors_may_know(shop, browser):
    shop.product(
        title="First Light",
        artist="Ada",
        label="Harbour",
        tags=["ambient"],
        amount=900,
        description="Recorded **at sea**.",
        pay_what_you_want=False,
    )
    page = browser.get("/releases/first-light", headers={"Accept-Language": "de"})
    assert page.html.h1.text == "First Light"
    assert page.html.title.text == "First Light · Acme"
    assert page.html.select_one(".price").text == "9,00\xa0€"
    assert page.html.strong.text == "at sea"
    assert page.html.select_one(".tags a")["href"] == "/?tag=ambient"
    assert page.html.select_one("img.cover")["alt"] == "First Light"


def test_a_release_is_found_by_its_former_slug(shop, browser):
    product = shop.product(title="First Light")
    with shop.scope() as scope:
        from autonomy_core.catalog.details import change_details
        from autonomy_core.catalog.services import find_product

        change_details(scope, find_product(scope, product.id), {"slug": "light"})
    answer = browser.get("/releases/first-light", status=303)
    assert answer.headers["Location"] == "https://acme.example/releases/light"


def test_what_visitors_do_not_see_has_no_page(shop, browser):
    draft = shop.product(title="A draft", active=False)
    for name in ("a-draft", draft.id, "nothing", "%00", "../", "x" * 500):
        browser.get(f"/releases/{name}", status=404)
    assert browser.get("/releases", status=303).headers["Location"] == "https://acme.example/"


def test_below_the_path_of_the_organisation_all_links_stay_there(shop):
    shop.product(title="First Light", tags=["ambient"])
    browser = shop.app.browser("https://shared.example")
    page = browser.get("/acme")
    links = {each["href"] for each in page.html.select("a[href^='/']")}
    assert {each for each in links if not each.startswith("/acme/")} == {"/acme?lang=de", "/acme?lang=en"}
    assert browser.get("/acme/releases/first-light").html.h1.text == "First Light"


def test_hostile_titles_and_tags_are_text(shop, browser):
    shop.product(title=HOSTILE, artist=HOSTILE, tags=[HOSTILE.lower()], description=HOSTILE, slug="hostile")
    for path in ("/", "/releases/hostile", "/?q=%3Cscript%3E", "/?artist=%3Cscript%3E&sort=newest"):
        page = browser.get(path)
        assert page.html.select("main script") == []
        assert "49" not in page.html.main.text
    assert browser.get("/releases/hostile").html.h1.text == HOSTILE


def test_another_organisation_shows_none_of_it(shop):
    shop.product(title="First Light")
    shop.organisation("other", plugins=("storefront", "stand_ins"), hosts=("other.example",))
    browser = shop.app.browser("https://other.example")
    assert titles(browser.get("/")) == []
    browser.get("/releases/first-light", status=404)


def test_without_the_plugin_there_is_no_shop(shop):
    shop.organisation("other", plugins=("stand_ins",), hosts=("other.example",))
    browser = shop.app.browser("https://other.example")
    for path in ("/", "/releases", "/releases/first-light"):
        browser.get(path, status=404)


@pytest.mark.parametrize("shown", ["{{ product.registry }}", "{{ product.metadata }}"])
def test_a_theme_cannot_reach_what_the_shops_of_a_process_share(shop, shown):
    renderer = shop.app.app.registry.page_renderer
    product = shop.product(title="First Light")
    theme = {"templates/storefront/price.html": f"{{{{ product.title }}}} {shown}"}
    organisation = replace(shop.runtime.tenants.get("acme"), theme=theme)
    made = renderer._environment_of(organisation.plugins, renderer._theme_of(organisation), choose(()))
    with pytest.raises(SecurityError):
        made.get_template("storefront/price.html").render(product=product)
