"""What a browser sees at the simulator's address."""

from __future__ import annotations

import re


def test_it_says_what_it_is_and_its_links_lead_somewhere(http, server):
    page = http.get(f"{server.url}/")
    assert page.status_code == 200
    assert "no money moves" in page.text
    links = re.findall(r'href="([^"]+)"', page.text)
    assert links == ["/_simulator/books"]
    assert http.get(server.url + links[0]).json()["sessions"] == []
