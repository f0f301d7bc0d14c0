"""A browser of Playwright that visits pages, and notices what must not happen on any page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.support.chromium import CHROMIUM

ROOT = Path(__file__).parents[2]
AXE = max((ROOT / "var" / "axe-core").glob("*/node_modules/axe-core/axe.min.js"), default=None)
"""axe-core, which `make axe-core` gets with npm."""

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (390, 1440)

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; .ci/run installs it")
needs_axe = pytest.mark.skipif(AXE is None, reason="there is no axe-core: `make axe-core` gets it, with npm")


@dataclass
class Visit:
    """A window of the browser.

    Attributes:
        page: Playwright's page.
        origin: of the pages. A path is opened below it.
        faults: errors in the console, and requests to other origins.
    """

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page, and check that it fits into the window."""
        self.page.goto(self.origin + path)
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(too_wide) <= 0, f"{path} has to be scrolled horizontally"

    def findings(self) -> list[str]:
        """What axe-core finds on the page, one line each."""
        assert AXE is not None
        self.page.evaluate(AXE.read_text("utf-8"))
        options = {"runOnly": WCAG}
        found = self.page.evaluate("options => axe.run(document, options)", options)["violations"]
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@contextmanager
def visiting(origin: str, *, width: int = 1440, **options: Any) -> Iterator[Visit]:
    """Open a window of a new browser. At the end of the block there must be no faults.

    Args:
        origin: of the pages.
        width: of the window, in CSS pixels.
        options: of Playwright's context, such as ``locale`` and ``java_script_enabled``.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        try:
            visit = _visit(context, origin)
            yield visit
            assert visit.faults == []
        finally:
            browser.close()


def _visit(context: BrowserContext, origin: str) -> Visit:
    visit = Visit(context.new_page(), origin)

    def note_request(request: Any) -> None:
        if not request.url.startswith((origin, "data:")):
            visit.faults.append(f"a request to {request.url}")

    def note_message(message: Any) -> None:
        # The browser reports an answer with an error as well, and the test knows of it.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            visit.faults.append(message.text)

    visit.page.on("request", note_request)
    visit.page.on("console", note_message)
    visit.page.on("pageerror", lambda error: visit.faults.append(str(error)))
    return visit
