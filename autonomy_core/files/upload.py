"""Receives a form with a file (``multipart/form-data``, RFC 7578) piece by piece into a temporary file.

Only one piece is in memory at a time. The size is limited while the bytes arrive, and the SHA-256 is computed
on the way. Every failure removes the temporary file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from autonomy_core.files.errors import (
    UploadInterrupted,
    UploadMalformed,
    UploadTooLarge,
    UploadWithoutFile,
)

PIECE_BYTES: Final = 64 * 1024
MAX_FIELD_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 32
REFERENCE_FIELD: Final = "upload"
"""The field of a form with the id of an upload, instead of the file."""

UPLOAD_ID: Final[Mapping[str, Any]] = {
    REFERENCE_FIELD: {
        "type": "string",
        "format": "uuid",
        "description": "instead of `file`: the id of a finished upload, see `POST /admin/uploads`",
    }
}
"""This field, for the API description of a form. The form then requires no ``file``."""

_OVERHEAD_BYTES: Final = MAX_PARTS * (MAX_FIELD_BYTES + 8 * 1024)
_FILENAME_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file.

    Attributes:
        path: the temporary file; the caller of `receive` removes it.
        sha256: of the content, 64 lower-case hexadecimal digits.
        size: in bytes.
        filename: the client's name of the file, without directories; for people only, never a path.
        fields: the other fields of the form.
        is_limited: whether it is refused for lack of room. A file that the server itself has made never is.
        upload_id: of the finished upload that it arrived as; None for the file of a form.
    """

    path: Path
    sha256: str
    size: int
    filename: str
    fields: Mapping[str, str]
    is_limited: bool = False
    upload_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A form that names an upload which arrived before, instead of a file.

    Attributes:
        upload_id: as the client wrote it.
        fields: the other fields of the form.
    """

    upload_id: str
    fields: Mapping[str, str]


def receive(
    stream: BinaryIO,
    content_type: str,
    content_length: int | None,
    *,
    file_field: str,
    max_bytes: int,
    directory: Path,
    suffix: str = "",
) -> Upload | Reference:
    """Receive one file and the fields around it, or a form that names an upload.

    Args:
        stream: the request's body; it is read up to its end, or to ``content_length`` bytes.
        content_type: the request's Content-Type, with its boundary.
        content_length: the request's Content-Length in bytes; None if the body is chunked.
        file_field: the name of the form's field with the file; there must be exactly one.
        max_bytes: the largest size of the file.
        directory: where the temporary file is made.
        suffix: of the temporary file's name, with its dot.

    Raises:
        UploadTooLarge: the file or the form is too large.
        UploadMalformed: the body is not a form, has more than one file, or a file and an upload.
        UploadWithoutFile: the form has no file in ``file_field``, and names no upload.
        UploadInterrupted: the body ended before the form did.
        OSError: the temporary file cannot be written.
    """
    if content_length is not None and content_length > largest_form(max_bytes):
        raise _too_large(max_bytes)
    boundary = _boundary(content_type)
    descriptor, name = tempfile.mkstemp(prefix="upload-", suffix=suffix, dir=directory)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            form = _Form(target, file_field, max_bytes)
            _parse(stream, content_length, boundary, form)
        result = form.result(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if isinstance(result, Reference):
        path.unlink()
    return result


def largest_form(max_bytes: int) -> int:
    """The largest size in bytes of a form whose file has at most ``max_bytes``."""
    return max_bytes + _OVERHEAD_BYTES


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise UploadMalformed("The body must be multipart/form-data with a boundary.")
    return boundary


def _parse(stream: BinaryIO, content_length: int | None, boundary: bytes, form: _Form) -> None:
    received = 0
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        while content_length is None or received < content_length:
            most = PIECE_BYTES if content_length is None else min(PIECE_BYTES, content_length - received)
            piece = _read(stream, most)
            if not piece:
                break
            received += len(piece)
            # A chunked body declares no length, and may continue after the form without end.
            if received > largest_form(form.max_bytes):
                raise _too_large(form.max_bytes)
            parser.write(piece)
    except FormParserError as error:
        raise UploadMalformed(f"The body is no well-formed form: {error}") from error
    if content_length is not None and received < content_length:
        raise UploadInterrupted(f"The connection ended after {received} of {content_length} bytes.")
    if not form.finished:
        # Without a declared length, a form without its end cannot be told from a cut connection.
        refused = UploadInterrupted if content_length is None else UploadMalformed
        raise refused("The form has no closing boundary.")


def _read(stream: BinaryIO, most: int) -> bytes:
    try:
        return stream.read(most)
    except OSError as error:
        raise UploadInterrupted("The connection ended before the whole file arrived.") from error


def _too_large(max_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(f"The file is larger than {max_bytes} bytes.")


@dataclass(slots=True)
class _Part:
    """The part being received; ``content`` collects a plain field."""

    name: str
    filename: str | None
    content: bytearray = field(default_factory=bytearray)


class _Form:
    """The callbacks of the parser. Each gets a piece of a header or of the content."""

    def __init__(self, target: BinaryIO, file_field: str, max_bytes: int) -> None:
        self._target, self._file_field, self.max_bytes = target, file_field, max_bytes
        self._digest, self._size = hashlib.sha256(), 0
        self._fields: dict[str, str] = {}
        self._filename: str | None = None
        self._parts = 0
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition = ""
        self._part: _Part | None = None
        self.finished = False

    def callbacks(self) -> dict[str, object]:
        """The methods by the names that the parser calls."""
        names = (
            "part_begin",
            "header_begin",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
        )
        return {f"on_{name}": getattr(self, f"_{name}") for name in (*names, "part_data", "part_end", "end")}

    def result(self, path: Path) -> Upload | Reference:
        """What was received.

        Raises:
            UploadWithoutFile: the form had no file, and named no upload.
            UploadMalformed: it had both.
        """
        fields = dict(self._fields)
        # For an empty field of its form, a browser sends a file without a name and without bytes.
        if self._filename or self._size:
            if fields.pop(REFERENCE_FIELD, ""):
                raise UploadMalformed(
                    f"The form has a file in {self._file_field!r} and an upload in {REFERENCE_FIELD!r}."
                    " Send one of them."
                )
            return Upload(
                path, self._digest.hexdigest(), self._size, self._filename or "", fields, is_limited=True
            )
        if REFERENCE_FIELD not in fields:
            raise UploadWithoutFile(
                f"The form has neither a file in its field {self._file_field!r}, nor the id of an upload in "
                f"{REFERENCE_FIELD!r}."
            )
        return Reference(fields.pop(REFERENCE_FIELD), fields)

    def _part_begin(self) -> None:
        self._parts += 1
        self._disposition = ""
        if self._parts > MAX_PARTS:
            raise UploadMalformed(f"The form has more than {MAX_PARTS} parts.")

    def _header_begin(self) -> None:
        self._header = (bytearray(), bytearray())

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = value.decode("latin-1")

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or not options.get(b"name"):
            raise UploadMalformed("A part of the form has no name.")
        filename = options.get(b"filename")
        part = _Part(_text(options[b"name"]), None if filename is None else _text(filename))
        self._part = part
        if part.name == self._file_field and part.filename is not None:
            if self._filename is not None:
                raise UploadMalformed(f"The form has more than one file in {self._file_field!r}.")
            self._filename = base_name(part.filename)
        elif part.filename is not None:
            raise UploadMalformed(f"The form has an unexpected file in {part.name[:80]!r}.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        piece, part = data[start:end], self._part
        if part is None:
            return
        if part.filename is not None:
            self._write(piece)
            return
        part.content += piece
        if len(part.content) > MAX_FIELD_BYTES:
            raise UploadMalformed(f"The field {part.name[:80]!r} is longer than {MAX_FIELD_BYTES} bytes.")

    def _write(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self.max_bytes:
            raise _too_large(self.max_bytes)
        self._digest.update(piece)
        self._target.write(piece)

    def _part_end(self) -> None:
        if self._part is not None and self._part.filename is None:
            if self._part.name in self._fields:
                raise UploadMalformed(f"The form has the field {self._part.name[:80]!r} twice.")
            self._fields[self._part.name] = _text(bytes(self._part.content))
        self._part = None

    def _end(self) -> None:
        self.finished = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def base_name(filename: str) -> str:
    """The last component of a client's name of a file, by the separators of any system.

    It has no control characters, and at most 255 others.
    """
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in name if character.isprintable())[:_FILENAME_LENGTH]
