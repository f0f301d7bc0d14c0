"""The headers of the tus protocol, version 1.0.0. Pure.

Source: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from autonomy_core.files.upload import base_name
from autonomy_core.files.uploads.errors import UploadHeaderInvalid, UploadVersionUnknown

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,termination,checksum,concatenation"

STREAM: Final = "application/offset+octet-stream"
"""The Content-Type of a part."""

DIGEST_BYTES: Final = {"sha1": 20, "sha256": 32}
"""The algorithms of checksums, and the sizes of their digests."""

PARTIAL: Final = "partial"
"""The value of ``Upload-Concat`` of an upload that will be joined with others."""

MOST_PARTS: Final = 10_000
"""The most requests that add to one upload. Each becomes an object in the store."""

MOST_JOINED: Final = 100
"""The most uploads that are joined to one."""

_LEAST_PART_BYTES: Final = 16 * 1024**2
_MOST_DIRECT_PARTS: Final = 1000
"""As many as S3 lists in one answer."""

_METADATA_LENGTH: Final = 4096
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_KEY: Final = re.compile(r"[!-+\--~]{1,64}", re.ASCII)
UNNAMED: Final = "upload"
"""The name of a file that has none."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a part must hash to.

    Attributes:
        algorithm: a key of `DIGEST_BYTES`.
        digest: the expected digest.
    """

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An upload as the client announces it.

    Attributes:
        length: in bytes; None for one that is joined of others.
        metadata: the header ``Upload-Metadata``, which is given back as it was sent.
        filename: the client's name of the file, for people only.
        concatenation: the header ``Upload-Concat``: `PARTIAL`, or the uploads that are joined; None for an
            upload on its own.
    """

    length: int | None
    metadata: str | None
    filename: str
    concatenation: str | None

    @property
    def is_joined(self) -> bool:
        """Whether it consists of other uploads."""
        return self.length is None


def require_version(headers: Mapping[str, str], *, needed: bool) -> None:
    """Check ``Tus-Resumable``.

    Args:
        headers: of the request.
        needed: whether the header must be there. Calls that only read are useful without it.

    Raises:
        UploadHeaderInvalid: it is missing.
        UploadVersionUnknown: it names another version.
    """
    if needed and "Tus-Resumable" not in headers:
        raise UploadHeaderInvalid(f"Send Tus-Resumable: {VERSION}.")
    if headers.get("Tus-Resumable", VERSION) != VERSION:
        raise UploadVersionUnknown(f"Send Tus-Resumable: {VERSION}.")


def announced(headers: Mapping[str, str]) -> NewUpload:
    """Read the headers of a creation.

    Raises:
        UploadHeaderInvalid: one of them cannot be read.
    """
    metadata, concatenation = headers.get("Upload-Metadata"), headers.get("Upload-Concat")
    filename = filename_in(metadata_of(metadata or ""))
    if concatenation is not None and concatenation.startswith("final;"):
        if "Upload-Length" in headers:
            raise UploadHeaderInvalid("A final upload has no Upload-Length.")
        return NewUpload(None, metadata, filename, concatenation)
    if concatenation not in {None, PARTIAL}:
        raise UploadHeaderInvalid("Upload-Concat is partial, or final; with the URLs of partial uploads.")
    return NewUpload(number_in(headers, "Upload-Length"), metadata, filename, concatenation)


def number_in(headers: Mapping[str, str], name: str) -> int:
    """Read a header that is a number of bytes.

    Raises:
        UploadHeaderInvalid: it is missing, or no such number.
    """
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise UploadHeaderInvalid(f"{name} is missing, or no number of bytes.")
    return int(text)


def metadata_of(header: str) -> dict[str, str]:
    """Read ``Upload-Metadata``: pairs of a key and a value in base64, with commas between the pairs.

    Raises:
        UploadHeaderInvalid: it cannot be read, is too long, or has a key twice.
    """
    found: dict[str, str] = {}
    if len(header) > _METADATA_LENGTH:
        raise UploadHeaderInvalid(f"Upload-Metadata is longer than {_METADATA_LENGTH} characters.")
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise UploadHeaderInvalid("Upload-Metadata has a key that is malformed, or is there twice.")
        found[key] = _decoded(value, "Upload-Metadata").decode("utf-8", "replace")
    return found


def filename_in(metadata: Mapping[str, str]) -> str:
    """The name of the file. Clients call it ``filename``, and some ``name``."""
    return base_name(metadata.get("filename") or metadata.get("name") or "") or UNNAMED


def checksum_of(headers: Mapping[str, str]) -> Checksum | None:
    """Read ``Upload-Checksum``; None if it is not there.

    Raises:
        UploadHeaderInvalid: the algorithm is not one of `DIGEST_BYTES`, or the digest is malformed.
    """
    header = headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    if algorithm not in DIGEST_BYTES:
        raise UploadHeaderInvalid(f"Upload-Checksum has one of these algorithms: {', '.join(DIGEST_BYTES)}.")
    digest = _decoded(value, "Upload-Checksum")
    if len(digest) != DIGEST_BYTES[algorithm]:
        raise UploadHeaderInvalid(f"Upload-Checksum has no digest of {algorithm}.")
    return Checksum(algorithm, digest)


def joined_ids(concatenation: str, collection_path: str) -> list[UUID]:
    """The uploads that ``Upload-Concat: final;…`` names.

    Args:
        concatenation: the header.
        collection_path: the path of all uploads of the organisation, without a slash at the end.

    Raises:
        UploadHeaderInvalid: it names none or too many, one twice, or what is no upload of this organisation.
    """
    urls = concatenation.partition(";")[2].split()
    found = []
    for url in urls:
        collection, _, name = _path_of(url).rpartition("/")
        upload_id = _uuid(name)
        if collection != collection_path or upload_id is None:
            raise UploadHeaderInvalid("Upload-Concat names what is no upload of this organisation.")
        found.append(upload_id)
    if not 0 < len(found) == len(set(found)) <= MOST_JOINED:
        raise UploadHeaderInvalid(f"Upload-Concat names from 1 to {MOST_JOINED} uploads, each once.")
    return found


def part_bytes(length: int) -> int:
    """The size of the parts of a file that goes directly to the store, in bytes. The last one may be smaller.

    Args:
        length: of the file, in bytes.
    """
    needed = -(-length // _MOST_DIRECT_PARTS)
    megabyte = 1024**2
    return max(_LEAST_PART_BYTES, -(-needed // megabyte) * megabyte)


def part_sizes(length: int) -> list[int]:
    """The sizes of these parts, in their order, in bytes."""
    size = part_bytes(length)
    return [min(size, length - begin) for begin in range(0, length, size)]


def http_date(moment: datetime) -> str:
    """A moment as ``Upload-Expires`` has it (RFC 9110, section 5.6.7)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _decoded(value: str, header: str) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UploadHeaderInvalid(f"{header} has a value that is not base64.") from error
