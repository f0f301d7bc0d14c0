"""An object of S3 that a client uploads directly, in parts, by signed URLs (a multipart upload).

The store may belong to the organisation, so its answers are read with a limit, and their text goes nowhere.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape, unescape
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import requests
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError

from autonomy_core.files.breaker import Breaker
from autonomy_core.files.object_storage import PIECE_BYTES
from autonomy_core.files.places import endpoint_of
from autonomy_core.files.presigning import Signer
from autonomy_core.tenancy.stores import DEFAULT_REGION, StoreSettings

_OWN_S: Final = 300
"""For how long the URLs of the server's own requests are valid, in seconds."""

_PIECE_BYTES: Final = 256 * 1024
_ANSWER_BYTES: Final = 2 * 1024**2
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_ID: Final = re.compile(r"[!-~]{1,2048}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as the store has it.

    Attributes:
        size: in bytes.
        etag: its entity tag, with which the parts are joined.
    """

    size: int
    etag: str


class MultipartObject:
    """One object, before and after its parts are joined.

    Every failure of the store is an `OSError`.

    Args:
        store: of S3, with keys.
        path: of the object in the bucket.
        timeout: the maximum time for one request, in seconds.
        breaker: of the store.
    """

    def __init__(self, store: StoreSettings, path: str, timeout: int, breaker: Breaker) -> None:
        assert store.access_key is not None  # noqa: S101 - the caller has checked both keys
        assert store.secret_key is not None  # noqa: S101
        region = store.region or DEFAULT_REGION
        self._signer = Signer(store.access_key.reveal(), store.secret_key.reveal(), region)
        self._store, self._path = store, path
        self._timeout, self._breaker = timeout, breaker

    def begin(self) -> str:
        """Begin a multipart upload; returns its id at the store."""
        upload_id = _member(self._text("POST", {"uploads": ""}), "UploadId")
        if not _ID.fullmatch(upload_id):
            raise OSError("the store gave no id of a multipart upload")
        return upload_id

    def part_url(self, upload_id: str, number: int, size: int, seconds: int) -> str:
        """A URL that accepts a PUT of one part.

        Args:
            upload_id: what `begin` returned.
            number: of the part, from 1.
            size: the only size in bytes that the URL accepts. The header Content-Length is signed.
            seconds: for how long the URL is valid.
        """
        parameters = {"partNumber": str(number), "uploadId": upload_id}
        headers = {"content-length": str(size)}
        return self._url("PUT", parameters, seconds, public=True, headers=headers)

    def parts(self, upload_id: str) -> dict[int, StoredPart] | None:
        """The parts that have arrived, by their numbers; at most 1000.

        Returns:
            None if the multipart upload has ended.
        """
        answer = self._text("GET", {"uploadId": upload_id, "max-parts": "1000"}, missing=True)
        if answer is None:
            return None
        found = {}
        for part in _elements(answer, "Part"):
            number, size, etag = (_member(part, name) for name in ("PartNumber", "Size", "ETag"))
            if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(size) and etag):
                raise OSError("the store's list of parts cannot be read")
            found[int(number)] = StoredPart(int(size), etag)
        return found

    def complete(self, upload_id: str, parts: Mapping[int, StoredPart]) -> None:
        """Join the parts. Nothing happens if another request has joined them already."""
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(parts[number].etag)}</ETag></Part>"
            for number in sorted(parts)
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        # The store may answer 200 before it knows the outcome.
        if "<Error>" in (self._text("POST", {"uploadId": upload_id}, body=body, missing=True) or ""):
            raise OSError("the store could not join the parts")

    def size(self) -> int | None:
        """The size of the joined object, in bytes; None if there is none."""
        with self._answer("HEAD", {}) as response:
            if response.status_code == requests.codes.not_found:
                return None
            _require_success(response)
            length = response.headers.get("Content-Length", "")
        if not _NUMBER.fullmatch(length):
            raise OSError("the store does not tell the size of an object")
        return int(length)

    def chunks(self, size: int) -> Iterator[bytes]:
        """The content of the joined object.

        Args:
            size: of the object, in bytes. More are never given, and fewer are a failure of the store.
        """
        if self.size() != size:
            raise OSError("the object has another size than its upload")
        for begin in range(0, size, PIECE_BYTES):
            length = min(PIECE_BYTES, size - begin)
            wanted = {"Range": f"bytes={begin}-{begin + length - 1}"}
            content = self._ask("GET", {}, headers=wanted, most=length)
            if content is None or len(content) != length:
                raise OSError("the object has become shorter while it was read")
            yield content

    def remove(self) -> None:
        """Abort what was begun, and delete the object. Nothing happens if they are not there.

        The store is asked what was begun: a server that was killed may not have kept the id.
        """
        begun = self._text("GET", {"uploads": "", "prefix": self._path}, of_bucket=True) or ""
        for upload in _elements(begun, "Upload"):
            if _member(upload, "Key") == self._path:
                self._ask("DELETE", {"uploadId": _member(upload, "UploadId")}, missing=True)
        self._ask("DELETE", {}, missing=True)

    def _text(
        self,
        method: str,
        parameters: Mapping[str, str],
        *,
        body: bytes = b"",
        missing: bool = False,
        of_bucket: bool = False,
    ) -> str | None:
        found = self._ask(method, parameters, body=body, missing=missing, of_bucket=of_bucket)
        return None if found is None else str(found, "utf-8", "replace")

    def _ask(
        self,
        method: str,
        parameters: Mapping[str, str],
        *,
        body: bytes = b"",
        headers: Mapping[str, str] = _NONE,
        missing: bool = False,
        of_bucket: bool = False,
        most: int = _ANSWER_BYTES,
    ) -> bytes | None:
        """The body of an answer; None if the store has no such thing, and that is no failure."""
        until = time.monotonic() + self._timeout
        with self._answer(method, parameters, body, headers, of_bucket=of_bucket) as response:
            if missing and response.status_code == requests.codes.not_found:
                return None
            _require_success(response)
            content = bytearray()
            # By the pieces that arrive, since a limit of one wait is none of the whole answer.
            while piece := response.raw.read1(_PIECE_BYTES):
                content += piece
                if len(content) > most:
                    raise OSError("the answer of the store is too long")
                if time.monotonic() > until:
                    raise ReadTimeout
        return bytes(content)

    @contextmanager
    def _answer(
        self,
        method: str,
        parameters: Mapping[str, str],
        body: bytes = b"",
        headers: Mapping[str, str] = _NONE,
        *,
        of_bucket: bool = False,
    ) -> Iterator[requests.Response]:
        url = self._url(method, parameters, _OWN_S, public=False, of_bucket=of_bucket)
        self._breaker.require()
        try:
            with requests.request(
                method,
                url,
                data=body,
                headers={"Accept-Encoding": "identity", **headers},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                yield response
        except (requests.RequestException, HTTPError) as error:
            self._breaker.failed()
            # Not chained, because its text has the signed URL.
            raise OSError(f"the store did not answer: {type(error).__name__}") from None
        except OSError:
            self._breaker.answered()
            raise
        self._breaker.answered()

    def _url(
        self,
        method: str,
        parameters: Mapping[str, str],
        seconds: int,
        *,
        public: bool,
        headers: Mapping[str, str] | None = None,
        of_bucket: bool = False,
    ) -> str:
        base = endpoint_of(self._store, public=public)
        if self._store.path_style:
            base = f"{base}/{self._store.bucket}"
        url = f"{base}/" if of_bucket else f"{base}/{quote(self._path)}"
        now = datetime.now(UTC)
        return self._signer.presigned(url, now, seconds, parameters, method=method, headers=headers or {})


def _require_success(response: requests.Response) -> None:
    if not response.ok or response.is_redirect:
        raise OSError(f"the store answered {response.status_code}")


def _elements(text: str, name: str) -> Iterator[str]:
    """The contents of the elements with a name, which has no attributes."""
    # Not by an expression: the time for one would grow with the square of a hostile answer.
    for begun in text.split(f"<{name}>")[1:]:
        yield begun.partition(f"</{name}>")[0]


def _member(text: str | None, name: str) -> str:
    """The content of the first element with a name, without its markup; empty if there is none."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", text or "")
    return unescape(found[1]).strip() if found else ""
