"""docs/covers.md explains every finding there is, and no other, in the server's own words."""

from __future__ import annotations

import re
from pathlib import Path

from autonomy_core.images.domain import FINDINGS

GUIDE = (Path(__file__).parents[2] / "docs" / "covers.md").read_text("utf-8")


def sections(text: str) -> dict[str, str]:
    found = re.findall(r"^#### `(\w+)`\n\n(.*?)(?=^#)", text, re.MULTILINE | re.DOTALL)
    return {code: " ".join(section.split()) for code, section in found}


def test_every_finding_has_a_section_with_its_remedy():
    expected = {code: f"{known.meaning} - **Do:** {known.remedy}" for code, known in FINDINGS.items()}
    assert sections(GUIDE) == expected


def test_warnings_are_apart_from_the_reasons_to_refuse():
    warnings = sections(GUIDE.partition("### Warnings")[2])
    assert sorted(warnings) == sorted(code for code, known in FINDINGS.items() if not known.refuses)
