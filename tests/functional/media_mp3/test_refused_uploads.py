"""An invalid recording is refused with every reason, and leaves no file."""

from __future__ import annotations

import pytest

from media_mp3.domain import FINDINGS
from tests.unit.media_mp3 import material

REFUSED = {
    "nothing": (b"", {"empty_file"}),
    "a web page": (b"<!DOCTYPE html><script>alert(1)</script>" + material.cbr(), {"foreign_format"}),
    "MP2": (material.layer2(), {"layer2"}),
    "cut off": (material.vbr()[:-5000], {"truncated", "xing_mismatch"}),
    "two rates": (material.cbr() + material.cbr(48000), {"mixed_sample_rates"}),
    "a tag bomb": (material.compressed_text_bomb(), {"id3_compressed_frame"}),
    "random side information": (material.random_side_info(), {"undecodable"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_unplayable_file_is_refused_with_every_finding(shop, name):
    content, codes = REFUSED[name]
    album = shop.album()

    answer = shop.upload(album, content, status=422)

    assert answer["code"] == "not_playable"
    assert {finding["code"] for finding in answer["findings"]} == codes
    for finding in answer["findings"]:
        assert finding["message"] == FINDINGS[finding["code"]].meaning
        assert finding["remedy"] == FINDINGS[finding["code"]].remedy
    listed = shop.autonomy.app.get(f"{shop.api}/admin/products/{album.id}/tracks", headers=shop.staff).json
    assert listed["items"] == []


def test_a_finding_says_where_in_the_file(shop):
    (finding,) = shop.upload(shop.album(), material.cbr() + b"\1\2\3" * 100, status=422)["findings"]

    assert finding["detail"] == {"offset": len(material.cbr()), "bytes": 300}


@pytest.mark.parametrize(
    ("body", "boundary", "status", "code"),
    [
        (
            b'--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--XX--\r\n',
            "XX", 422, "upload_no_file",
        ),
        (b'--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\nx', "XX", 400, "upload_malformed"),
        (b"not a form at all", "XX", 400, "upload_malformed"),
        (b"--XX--\r\n", "", 400, "upload_malformed"),
    ],
)  # fmt: skip
def test_a_form_without_a_file_and_a_malformed_form_differ(shop, body, boundary, status, code):
    answer = post(shop, body, f"multipart/form-data; boundary={boundary}", status)

    assert answer.json["code"] == code


def test_a_file_that_is_not_in_a_form_is_refused(shop):
    answer = post(shop, material.cbr(), "audio/mpeg", 415)

    assert answer.json["code"] == "unsupported_media_type"


def test_a_file_that_is_larger_than_the_organisation_allows_is_refused(make_shop):
    shop = make_shop(max_upload_mb=1)

    answer = shop.upload(shop.album(), material.cbr() * 30, status=413)

    assert answer["code"] == "upload_too_large"


def post(shop, body, content_type, status):
    """Send a body as it is: WebTest's own `post` would write the form anew."""
    return shop.autonomy.app.request(
        f"{shop.api}/admin/products/{shop.album().id}/tracks",
        method="POST",
        body=body,
        headers={**shop.staff, "Content-Type": content_type},
        status=status,
    )


def test_a_store_that_cannot_be_written_is_an_outage(make_shop):
    shop = make_shop("blocked")
    # Where the organisation's directory should be: root may write anywhere, but not below a file.
    obstacle = shop.autonomy.runtime.settings.data / "media" / "files" / shop.id
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_bytes(b"")
    try:
        assert shop.upload(shop.album(), status=503)["code"] == "storage_unavailable"
    finally:
        obstacle.unlink()
