"""Headers of the tus protocol are read strictly, and refused with one of two errors."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.files.uploads.domain import (
    MOST_JOINED,
    announced,
    checksum_of,
    filename_in,
    http_date,
    joined_ids,
    metadata_of,
    number_in,
    part_bytes,
    part_sizes,
    require_version,
)
from autonomy_core.files.uploads.errors import UploadHeaderInvalid, UploadVersionUnknown

ONE, OTHER = (str(UUID(int=number)) for number in (1, 2))
UPLOADS = "/acme/api/v1/admin/uploads"


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@given(st.dictionaries(st.from_regex(r"[a-zA-Z_-]{1,20}", fullmatch=True), st.text(max_size=50), max_size=5))
def test_metadata_are_read_as_they_were_written(metadata: dict[str, str]) -> None:
    header = ",".join(f"{key} {in_base64(value)}" for key, value in metadata.items())
    assert metadata_of(header) == metadata


@given(st.text(max_size=200))
def test_any_other_header_is_read_or_refused(header: str) -> None:
    for read in (metadata_of, lambda text: checksum_of({"Upload-Checksum": text})):
        try:
            read(header)
        except UploadHeaderInvalid:
            continue


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"filename": "a.wav", "name": "b.wav"}, "a.wav"),
        ({"name": "b.wav"}, "b.wav"),
        ({"filename": r"C:\music\..\a.wav"}, "a.wav"),
        ({"filename": "../../etc/\npasswd"}, "passwd"),
        ({"filename": ""}, "upload"),
        ({}, "upload"),
    ],
)
def test_the_name_of_the_file_is_no_path(metadata: dict[str, str], name: str) -> None:
    assert filename_in(metadata) == name


def test_a_flag_without_a_value_is_a_key_of_the_metadata() -> None:
    assert metadata_of("is_private, filename YS53YXY=") == {"is_private": "", "filename": "a.wav"}


@pytest.mark.parametrize(
    "header", ["a b c", "a YQ==,,", "a YQ", " ,", "ä YQ==", "a YQ==," * 2, "a " + "A" * 5000]
)
def test_malformed_metadata_are_refused(header: str) -> None:
    with pytest.raises(UploadHeaderInvalid):
        metadata_of(header)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "٣", "9" * 19, " 1"])
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(UploadHeaderInvalid):
        number_in({"Upload-Length": text}, "Upload-Length")


def test_a_joined_upload_has_no_length_of_its_own() -> None:
    final = {"Upload-Concat": f"final;{UPLOADS}/{ONE}"}
    assert announced(final).is_joined
    assert not announced({"Upload-Concat": "partial", "Upload-Length": "3"}).is_joined
    with pytest.raises(UploadHeaderInvalid):
        announced({**final, "Upload-Length": "3"})


def test_joined_uploads_are_named_by_paths_or_urls() -> None:
    header = f"final;{UPLOADS}/{OTHER} https://shop.example:8443{UPLOADS}/{ONE}"
    assert joined_ids(header, UPLOADS) == [UUID(OTHER), UUID(ONE)]


@pytest.mark.parametrize(
    "urls",
    [
        "",
        f"{UPLOADS}/{ONE} {UPLOADS}/{ONE}",
        f"/beacon/api/v1/admin/uploads/{ONE}",
        f"{UPLOADS}/1",
        f"http://[/{ONE}",
        " ".join(f"{UPLOADS}/{UUID(int=number)}" for number in range(MOST_JOINED + 1)),
    ],
)
def test_other_lists_of_joined_uploads_are_refused(urls: str) -> None:
    with pytest.raises(UploadHeaderInvalid):
        joined_ids(f"final;{urls}", UPLOADS)


def test_the_version_must_be_said_where_something_changes() -> None:
    require_version({}, needed=False)
    require_version({"Tus-Resumable": "1.0.0"}, needed=True)
    with pytest.raises(UploadHeaderInvalid):
        require_version({}, needed=True)
    with pytest.raises(UploadVersionUnknown):
        require_version({"Tus-Resumable": "0.2.2"}, needed=False)


def test_a_file_for_the_store_has_at_most_a_thousand_parts() -> None:
    megabyte = 1024**2
    assert part_sizes(1) == [1]
    assert part_sizes(32 * megabyte + 1) == [16 * megabyte, 16 * megabyte, 1]
    for length in (16_000 * megabyte, 16_000 * megabyte + 1, 100_000 * megabyte):
        sizes = part_sizes(length)
        assert sum(sizes) == length
        assert len(sizes) <= 1000
        assert {*sizes[:-1]} == {part_bytes(length)}


def test_the_expiry_is_an_http_date() -> None:
    assert http_date(datetime(2026, 11, 30, 9, 5, tzinfo=UTC)) == "Mon, 30 Nov 2026 09:05:00 GMT"
