"""The guide explains every finding and every refusal there is, and no other, in the server's own words."""

from __future__ import annotations

import re
from pathlib import Path

from autonomy_core.files import errors as files_errors
from media_mp3 import errors as mp3_errors
from media_mp3.domain import FINDINGS

GUIDE = (Path(__file__).parents[2] / "docs" / "mp3-upload-debugging-guide.md").read_text("utf-8")
SECTIONS = {
    code: re.sub(r"\n +", " ", section)
    for code, section in re.findall(r"^#### `(\w+)`\n\n(.*?)(?=^#)", GUIDE, re.MULTILINE | re.DOTALL)
}
"""Each section by its code. Its list items are unwrapped, because the code's remedies are single lines."""


def test_every_finding_has_a_section_and_every_section_is_a_finding():
    assert sorted(SECTIONS) == sorted(FINDINGS)


def test_warnings_are_apart_from_the_reasons_to_refuse():
    warnings = dict.fromkeys(re.findall(r"^#### `(\w+)`", GUIDE.partition("## Warnings")[2], re.MULTILINE))

    assert sorted(warnings) == sorted(code for code, found in FINDINGS.items() if not found.refuses)


def test_a_section_says_what_it_means_how_to_see_it_and_what_to_do():
    for code, explanation in FINDINGS.items():
        section = SECTIONS[code]
        assert section.startswith(f"{explanation.meaning}\n"), code
        assert re.search(r"^- \*\*See it:\*\* \S", section, re.MULTILINE), code
        assert f"- **Do:** {explanation.remedy}\n" in section, code


def test_every_other_refusal_of_an_upload_is_in_the_table():
    table = GUIDE.partition("## Other answers")[2]
    refusals = {
        error.code
        for errors in (files_errors, mp3_errors)
        for error in vars(errors).values()
        if isinstance(error, type) and error.__module__ == errors.__name__
    }

    missing = {code for code in refusals if f"`{code}`" not in table}

    assert missing == {"not_playable", "precondition_failed", "range_not_satisfiable"}
