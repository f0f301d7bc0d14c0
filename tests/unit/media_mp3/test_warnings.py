"""Playable files with defects are accepted, with warnings for staff."""

from __future__ import annotations

import io

import pytest

from media_mp3.domain import FINDINGS, Tags
from media_mp3.inspection import child
from media_mp3.tags.scan import scan_tags
from media_mp3.tags.text import TextReader
from tests.unit.media_mp3 import material
from tests.unit.media_mp3.inspecting import Inspect
from tests.unit.media_mp3.material import cbr, frames, id3_with, vbr, xing

WARNED = {
    "last frame 100 bytes short": (lambda: cbr()[:-100], {"last_frame_short"}),
    "last frame of one byte": (lambda: b"".join(frames(cbr())[:-1]) + b"\xff", {"last_frame_short"}),
    "last frame short before a tag": (lambda: cbr()[:-100] + material.id3v1(), {"last_frame_short"}),
    "last frame short, and counted": (lambda: xing(116, len(cbr())) + cbr()[:-100], {"last_frame_short"}),
    "variable bitrate without a header": (lambda: vbr()[417:], {"duration_misread"}),
    "variable bitrate, the header does not know": (lambda: xing(0, 0) + vbr()[417:], {"duration_misread"}),
    "64 KiB of NUL bytes at the end": (lambda: cbr() + bytes(2**16), {"duration_misread"}),
    "a megabyte of cover at the end": (
        lambda: xing(116, len(cbr())) + cbr() + material.ape({"Cover Art (Front)": bytes(2**20)}),
        {"duration_misread"},
    ),
    "a title of 100 KB": (lambda: id3_with("TALB", b"\0" + b"x" * 100_000) + cbr(), {"tags_incomplete"}),
}


@pytest.mark.parametrize("name", WARNED)
def test_a_playable_file_with_a_defect_is_accepted_with_a_warning(name: str, inspected: Inspect) -> None:
    make, codes = WARNED[name]

    report = inspected(make())

    assert report.accepted
    assert {warning.code for warning in report.warnings} == codes


@pytest.mark.parametrize(
    "make",
    [
        cbr,
        vbr,
        material.tagged,
        lambda: cbr() + bytes(500) + material.id3v1(),
        lambda: xing(0, 0) + cbr(),
        lambda: material.id3_with_big_cover() + cbr(),
    ],
)
def test_a_file_without_defects_has_no_warning(make, inspected: Inspect) -> None:
    assert inspected(make()).warnings == ()


def test_a_short_last_frame_is_located_and_measured(inspected: Inspect) -> None:
    (warning,) = inspected(cbr()[:-100]).warnings

    assert warning.detail == {"offset": len(cbr()) - len(frames(cbr())[-1]), "missing": 100}


def test_a_refused_file_has_its_warnings_beside_the_findings(inspected: Inspect) -> None:
    report = inspected(cbr() + cbr(48000)[:-10])

    assert [finding.code for finding in report.findings] == ["mixed_sample_rates"]
    assert [warning.code for warning in report.warnings] == ["last_frame_short"]


def test_every_warning_has_a_file_that_causes_it() -> None:
    of_masters = {"few_bits", "length_undeclared", "surround"}  # see test_masters
    caused = of_masters.union(*(codes for _, codes in WARNED.values()))

    assert caused == {code for code, explanation in FINDINGS.items() if not explanation.refuses}


def test_tags_that_take_too_long_to_read_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object) -> Tags:
        while True:
            pass

    monkeypatch.setattr(TextReader, "read", endless)

    tags, warnings = child.read_tags(io.BytesIO(), (), seconds=0.05)

    assert tags == Tags()
    assert [(warning.code, warning.detail) for warning in warnings] == [
        ("tags_incomplete", {"reason": "they take too long to read"})
    ]


def test_half_a_megabyte_of_distinct_artists_is_read_within_the_budget() -> None:
    content = material.many_distinct_artists()
    file = io.BytesIO(content)

    tags, warnings = child.read_tags(file, scan_tags(file, len(content)).tags)

    assert (tags.artist, warnings) == ("0", [])
