"""The front page of the simulator."""

from __future__ import annotations

import re

from pyramid.interfaces import IRoutesMapper

from stripe_simulator.app import router


def test_the_front_page_describes_the_simulator_with_valid_links(http, server):
    page = http.get(f"{server.url}/")
    assert page.status_code == 200
    assert "no money moves" in page.text
    links = re.findall(r'href="([^"]+)"', page.text)
    assert links == ["/_simulator/ledger"]
    assert http.get(server.url + links[0]).json()["sessions"] == []


def test_the_front_page_lists_every_control_endpoint(http, server):
    page = http.get(f"{server.url}/").text
    mapper = router().registry.getUtility(IRoutesMapper)
    patterns = [route.pattern.removeprefix("/_simulator/") for route in mapper.get_routes()]
    controls = [pattern for pattern in patterns if not pattern.startswith("/")]
    assert "disputes/{id}/close" in controls
    assert [pattern for pattern in controls if pattern not in page] == []
