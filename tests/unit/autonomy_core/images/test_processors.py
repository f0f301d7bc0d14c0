"""Pillow keeps the contract of image processors, and nothing that a processor says is believed."""

from __future__ import annotations

import base64
import copy

import pytest

from autonomy_core.images.domain import MEDIA_TYPES, sizes_of
from autonomy_core.images.processing import read_result
from autonomy_core.images.processors import PILLOW
from autonomy_core.images.views import preferred
from autonomy_core.testing.image_contract import ImageProcessorContract

MAGIC = {"image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF\0\0\0\0WEBP"}


class TestPillow(ImageProcessorContract):
    @pytest.fixture
    def processor(self):
        return PILLOW


def answer():
    return {
        "findings": [],
        "warnings": [],
        "width": 500,
        "height": 500,
        "colour": "#aabbcc",
        "renditions": [
            {
                "name": name,
                "media_type": media_type,
                "width": width,
                "height": height,
                "content": base64.b64encode(MAGIC[media_type]).decode(),
            }
            for name, (width, height) in sizes_of(500, 500).items()
            for media_type in MEDIA_TYPES.values()
        ],
    }


def changed(path, value):
    document = copy.deepcopy(answer())
    target = document
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return document


def test_a_whole_answer_is_read():
    assert read_result(answer()).findings == ()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        changed(["width"], 0),
        changed(["width"], 501),
        changed(["height"], 10**9),
        changed(["colour"], "red;background:url(x)"),
        changed(["renditions"], []),
        changed(["renditions", 0, "name"], "121"),
        changed(["renditions", 0, "media_type"], "text/html"),
        changed(["renditions", 0, "content"], base64.b64encode(b"<script>").decode()),
        changed(["renditions", 0, "content"], "no base64 !"),
        changed(["findings"], [{"code": "of_its_own", "detail": {}}]),
        changed(["findings"], [{"code": "small", "detail": {}}]),
        changed(["warnings"], [{"code": "truncated", "detail": {}}]),
    ],
)
def test_an_answer_that_is_not_whole_is_none(document):
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        read_result(document)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("IMAGE/WEBP;q=0.8, */*", "image/webp"),
        ("image/webp;q=0", "image/jpeg"),
        ("image/webp; q=0.000", "image/jpeg"),
        ("text/html,image/avif,image/webp,*/*;q=0.8", "image/webp"),
        (";;,,=", "image/jpeg"),
    ],
)
def test_only_who_names_webp_gets_it(accept, media_type):
    assert preferred(accept) == media_type
