"""The guide to pages agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autonomy_core.pages.shown import Page

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "pages.md").read_text("utf-8")
BLOCKS = re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(("source", "code"), BLOCKS, ids=[source for source, _ in BLOCKS])
def test_the_quoted_code_is_in_its_file(source, code):
    assert code in (ROOT / source).read_text("utf-8")


def test_what_templates_know_of_a_page_exists():
    named = set(re.findall(r"`page\.(\w+)", TEXT))
    assert len(named) > 8
    known = {*vars(Page), *re.findall(r"self\.(\w+)", (ROOT / "autonomy_core/pages/shown.py").read_text())}
    assert named - known == set()
