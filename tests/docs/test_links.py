"""Every link between the documents, and from them into the code, has a target."""

from __future__ import annotations

import pytest

from tests.docs.markdown import DOCUMENTS, ROOT, Document

INDEX = ROOT / "docs" / "README.md"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_the_links_of(document):
    broken = []
    for link in document.links:
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.path.parent / path).resolve() if path else document.path
        leads_there = target.exists() and target.is_relative_to(ROOT)
        if not leads_there or (anchor and anchor not in Document(target).anchors):
            broken.append(link)
    assert not broken


def test_the_index_links_every_document():
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in Document(INDEX).links}
    decisions = ROOT / "docs" / "decisions"
    expected = {
        document.path
        for document in DOCUMENTS
        if document.path.parent != decisions and document.path != INDEX
    }
    assert expected - linked - {ROOT / "README.md"} == set()
    assert decisions / "README.md" in linked
    listed = {(decisions / link).resolve() for link in Document(decisions / "README.md").links}
    assert {*decisions.glob("*.md")} - listed == {decisions / "README.md"}
