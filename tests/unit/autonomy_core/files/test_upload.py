"""Receiving a form with a file: a complete file, or an error that leaves no file."""

from __future__ import annotations

import contextlib
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonomy_core.errors import AutonomyError
from autonomy_core.files.errors import UploadMalformed
from autonomy_core.files.upload import MAX_FIELD_BYTES, PIECE_BYTES, Reference, Upload, receive

TYPE = "multipart/form-data; boundary=XX"
MUSIC = bytes(range(256)) * 1000 + b"\r\n--X\r\n--"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    shown = "" if filename is None else f'; filename="{filename}"'
    return (
        f'--XX\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n'.encode() + content + b"\r\n"
    )


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XX--\r\n"


EMPTY_FIELD = part("file", b"", "")
"""What browsers send for a field without a file."""


def received(
    body: bytes,
    directory: Path,
    *,
    length: int | None = -1,
    max_bytes: int = 1_000_000,
    content_type: str = TYPE,
) -> Upload:
    length = len(body) if length == -1 else length
    found = receive(
        io.BytesIO(body), content_type, length, file_field="file", max_bytes=max_bytes, directory=directory
    )
    assert isinstance(found, Upload)
    return found


def refused(body: bytes, directory: Path, **options: object) -> str:
    with pytest.raises(AutonomyError) as caught:
        received(body, directory, **options)  # type: ignore[arg-type]
    assert list(directory.iterdir()) == []
    return caught.value.code


def test_a_file_arrives_whole_with_its_digest_and_the_fields_around_it(tmp_path: Path) -> None:
    body = form(part("title", "Nächte".encode()), part("file", MUSIC, "song.mp3"), part("track", b"7"))

    upload = received(body, tmp_path)

    assert upload.path.read_bytes() == MUSIC
    assert upload.path.parent == tmp_path
    assert upload.sha256 == hashlib.sha256(MUSIC).hexdigest()
    assert (upload.size, upload.filename) == (len(MUSIC), "song.mp3")
    assert upload.fields == {"title": "Nächte", "track": "7"}


def test_a_body_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    assert received(form(part("file", MUSIC, "a")), tmp_path, length=None).size == len(MUSIC)


def test_nothing_is_read_beyond_the_declared_length(tmp_path: Path) -> None:
    body = form(part("file", MUSIC, "a"))
    stream = io.BytesIO(body + b"next request")

    receive(stream, TYPE, len(body), file_field="file", max_bytes=10**6, directory=tmp_path)

    assert stream.read() == b"next request"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("C:\\\\Music\\\\a.mp3", "a.mp3"), ("../../etc/passwd", "passwd"), ("a\tb.mp3", "ab.mp3"), ("", "")],
)
def test_the_name_of_a_file_is_never_a_path(sent: str, kept: str, tmp_path: Path) -> None:
    assert received(form(part("file", b"x", sent)), tmp_path).filename == kept


def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    received(form(part("file", bytes(5000), "a")), tmp_path, max_bytes=5000).path.unlink()

    assert refused(form(part("file", bytes(5001), "a")), tmp_path, max_bytes=5000) == "upload_too_large"


def test_a_declared_length_far_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    stream = io.BytesIO(b"never read")

    with pytest.raises(AutonomyError, match="larger than 5000 bytes") as caught:
        receive(stream, TYPE, 10**10, file_field="file", max_bytes=5000, directory=tmp_path)

    assert caught.value.code == "upload_too_large"
    assert stream.tell() == 0


def test_a_file_too_large_is_refused_while_it_arrives(tmp_path: Path) -> None:
    stream = io.BytesIO(form(part("file", bytes(10_000_000), "a")))

    with pytest.raises(AutonomyError):
        receive(stream, TYPE, None, file_field="file", max_bytes=100_000, directory=tmp_path)

    assert stream.tell() <= 100_000 + 2 * PIECE_BYTES
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [form(), form(part("title", b"x")), form(part("file", b"not a file")), form(EMPTY_FIELD)],
)
def test_a_form_without_a_file_is_refused(body: bytes, tmp_path: Path) -> None:
    assert refused(body, tmp_path) == "upload_no_file"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"junk", part("file", MUSIC, "a"), form(part("file", b"1", "a"), part("file", b"2", "b")),
        form(part("other", b"1", "a"), part("file", b"2", "b")), b"--XX\r\n\r\nno headers\r\n--XX--\r\n",
        b"--XX\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XX--\r\n", form(part("x" * 9000, b"1")),
        form(part("title", bytes(MAX_FIELD_BYTES + 1))),
        form(*[part(f"a{number}", b"1") for number in range(33)]),
        form(part("file", b"1", "a"), part("title", b"one"), part("title", b"two")),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_malformed_form_is_refused(body: bytes, tmp_path: Path) -> None:
    assert refused(body, tmp_path) == "upload_malformed"


@pytest.mark.parametrize(
    "content_type",
    ["", "audio/mpeg", "multipart/form-data", "multipart/form-data; boundary=",
     "multipart/mixed; boundary=XX", "multipart/form-data; boundary=" + "X" * 300,
     "application/x-www-form-urlencoded; boundary=XX"],
)  # fmt: skip
def test_another_content_type_is_refused(content_type: str, tmp_path: Path) -> None:
    assert refused(form(part("file", MUSIC, "a")), tmp_path, content_type=content_type) == "upload_malformed"


def test_a_body_cut_off_is_an_interruption(tmp_path: Path) -> None:
    body = form(part("file", MUSIC, "a"))

    assert refused(body[:-1000], tmp_path, length=len(body)) == "upload_interrupted"
    assert refused(body[:-1000], tmp_path, length=None) == "upload_interrupted"


class BrokenConnection(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        raise ConnectionResetError


def test_a_connection_that_breaks_is_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(AutonomyError) as caught:
        receive(BrokenConnection(), TYPE, 100, file_field="file", max_bytes=10, directory=tmp_path)  # type: ignore[arg-type]

    assert caught.value.code == "upload_interrupted"
    assert list(tmp_path.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(body=st.binary(max_size=300) | st.binary(max_size=120).map(lambda noise: part("file", noise, "a")))
def test_any_body_is_handled_without_leaving_a_file(body: bytes, tmp_path: Path) -> None:
    with contextlib.suppress(AutonomyError):
        received(body, tmp_path).path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_data_after_the_form_is_read_up_to_a_limit(tmp_path: Path) -> None:
    body = form(part("file", MUSIC, "song.mp3")) + bytes(10_000_000)

    assert refused(body, tmp_path, length=None) == "upload_too_large"


@pytest.mark.parametrize("beside", [b"", EMPTY_FIELD])
def test_a_form_may_name_an_upload_instead_of_a_file(beside: bytes, tmp_path: Path) -> None:
    body = form(part("upload", b"an id"), beside + part("title", b"A title"))
    found = receive(io.BytesIO(body), TYPE, len(body), file_field="file", max_bytes=10, directory=tmp_path)
    assert found == Reference("an id", {"title": "A title"})
    assert list(tmp_path.iterdir()) == []


def test_a_form_with_a_file_and_an_upload_is_told_to_send_one_of_them(tmp_path: Path) -> None:
    body = form(part("upload", b"an id"), part("file", b"1", "a.mp3"))
    with pytest.raises(UploadMalformed, match="Send one of them"):
        received(body, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_beside_a_file_the_empty_field_of_an_upload_is_ignored(tmp_path: Path) -> None:
    found = received(form(part("upload", b""), part("file", b"1", "a.mp3")), tmp_path)
    assert (found.filename, found.fields, found.upload_id) == ("a.mp3", {}, None)
