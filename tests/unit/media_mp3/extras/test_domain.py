"""Which files may come with a product, by their first and last bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from media_mp3.extras.domain import FINDINGS, FORMATS
from media_mp3.extras.inspection import examine
from tests.unit.media_mp3.documents import PDF, ZIP, archive, image

GUIDE = (Path(__file__).parents[4] / "docs" / "extras.md").read_text("utf-8")


WHOLE = {"pdf": PDF, "zip": ZIP, "jpeg": image("JPEG"), "png": image("PNG"), "webp": image("WEBP")}


@pytest.fixture
def found(tmp_path):
    def find(content):
        (path := tmp_path / "upload").write_bytes(content)
        answer = examine(path)
        return answer["format"], answer["finding"]

    return find


def test_the_content_decides_about_the_format(found):
    assert {name: found(content) for name, content in WHOLE.items()} == {
        name: (name, None) for name in FORMATS
    }


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_ends_early_is_refused(found, name):
    assert found(WHOLE[name][: len(WHOLE[name]) // 2]) == (name, "truncated")


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"MZ\x90\x00" + ZIP,
        b"\n" + PDF,
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"plain text",
    ],
)
def test_everything_else_is_foreign(found, content):
    assert found(content) == (None, "foreign_format")


def test_an_empty_file_is_refused(found):
    assert found(b"") == (None, "empty_file")


def test_a_zip_that_cannot_be_unpacked_is_refused(found):
    directory = ZIP.index(b"PK\x01\x02")

    assert found(ZIP[:directory] + b"XX" + ZIP[directory + 2 :]) == ("zip", "unreadable")
    assert found(archive(**{"only a folder/": ""})) == ("zip", "unreadable")


def test_the_guide_explains_every_finding():
    table = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", GUIDE, re.MULTILINE)

    assert table[1:] == [(code, each.meaning, each.remedy) for code, each in FINDINGS.items()]
