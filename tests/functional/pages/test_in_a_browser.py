"""Pages in Chromium: they load nothing from elsewhere, fit the window, and can be used without a mouse."""

import pytest

from autonomy_core.testing.application import chosen_plugins
from tests.functional.openapi.serving import served
from tests.support.visiting import WIDTHS, needs_axe, needs_browser, visiting

pytestmark = [pytest.mark.processes, needs_browser]

PATHS = ("/", "/?q=nothing", "/releases/first-light", "/login", "/style-guide", "/no/such/page")


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("customer_auth", "storefront")


@pytest.fixture
def origin(autonomy):
    plugins = ("customer_auth", "storefront", "stand_ins")
    autonomy.organisation(plugins=plugins, hosts=("localhost",), support_email="help@acme.example")
    for number in range(5):
        autonomy.product(title=f"Light {number}", artist="Ada", tags=["ambient"], amount=100 * number)
    text = "Recorded *at sea*.\n\n# Thanks\n\nTo the harbour."
    autonomy.product(title="First Light", artist="Ada", label="Harbour", tags=["sea"], description=text)
    with served(autonomy.app.app) as origin:
        yield origin.replace("127.0.0.1", "localhost")


@needs_axe
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(origin, width, scheme):
    with visiting(origin, width=width, locale="de-DE", color_scheme=scheme) as visit:
        for path in PATHS:
            visit.open(path)
            assert visit.findings() == [], path


def test_a_release_is_found_with_the_keyboard_and_without_scripts(origin):
    with visiting(origin, width=390, java_script_enabled=False) as visit:
        page = visit.page
        page.goto(origin)
        page.keyboard.press("Tab")
        assert page.locator(":focus").text_content() == "Skip to the content"
        page.get_by_label("Search").fill("first")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="First Light").click()
        assert page.get_by_role("heading", level=1).text_content() == "First Light"


def test_a_visitor_changes_the_language(origin):
    with visiting(origin) as visit:
        visit.open("/releases/first-light")
        visit.page.get_by_role("link", name="Deutsch").click()
        assert visit.page.get_by_role("navigation", name="Hauptmenü").count() == 1
        visit.open("/")
        assert visit.page.get_by_label("Suche").count() == 1
