"""Decides the answer to a conditional or ranged GET of one file (RFC 9110, sections 13 and 14). Pure.

The answer to a request for several ranges is the whole file, which section 14.2 allows. Media players ask for
one range, and attacks use many overlapping ranges to cause large multipart answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

_ENTITY_TAG: Final = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_TAG_LIST: Final = re.compile(rf"[ \t,]*{_ENTITY_TAG.pattern}(?:[ \t]*,[ \t,]*{_ENTITY_TAG.pattern})*[ \t,]*")
_RANGE_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Representation:
    """The file as it is now (RFC 9110, section 3.2).

    Attributes:
        size: bytes.
        etag: a strong entity tag with its quotes, for example ``'"9f86d0"'``.
        last_modified: aware; None if it is not known.
    """

    size: int
    etag: str
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to answer.

    Attributes:
        status: 200, 206, 304, 412 or 416.
        start: the first byte to send.
        end_inclusive: the last byte to send; ``start - 1`` if there is nothing to send.
        headers: the headers that belong to the status; a HEAD request gets them without the bytes.
    """

    status: int
    start: int = 0
    end_inclusive: int = -1
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many bytes a GET is answered with."""
        return self.end_inclusive - self.start + 1


def decide(file: Representation, method: str, request: Mapping[str, str]) -> Decision:
    """Evaluate the preconditions in the order of section 13.2.2, then the range.

    Args:
        file: the file that the request is about.
        method: ``GET`` or ``HEAD``; a range counts for GET only (section 14.2).
        request: the request's headers. They are looked up by their usual spelling, so the mapping should
            ignore case, as WebOb's does.
    """
    if not _may_proceed(file, request):
        return Decision(412, headers={"Content-Length": "0"})
    if _is_unchanged(file, request):
        return Decision(304, headers=_validators(file))
    wanted = request.get("Range") if method == "GET" and _range_still_holds(file, request) else None
    bounds = parse_range(wanted, file.size) if wanted is not None else None
    if bounds is None:
        return _whole(file)
    if not bounds:
        return Decision(416, headers={"Content-Range": f"bytes */{file.size}", "Content-Length": "0"})
    start, end = bounds
    part = {"Content-Range": f"bytes {start}-{end}/{file.size}", "Content-Length": str(end - start + 1)}
    return Decision(206, start, end, _validators(file) | part)


def parse_range(value: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """Read a Range header (section 14.1).

    Args:
        value: the header's value.
        size: bytes in the file.

    Returns:
        First and last byte, both inclusive; ``()`` if the range cannot be satisfied; None if the header is to
        be ignored: another unit, malformed, or more than one range.
    """
    unit, equals, listed = value.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return None
    specs = [spec for spec in (item.strip(" \t") for item in listed.split(",")) if spec]
    matched = _RANGE_SPEC.fullmatch(specs[0]) if len(specs) == 1 else None
    if matched is None or matched.group() == "-":
        return None
    first, last = map(_number, matched.groups())
    if first is None:
        length = min(last or 0, size)
        return (size - length, size - 1) if length else ()
    if last is not None and last < first:
        return None
    if first >= size:
        return ()
    return first, size - 1 if last is None else min(last, size - 1)


def _number(digits: str) -> int | None:
    """A byte position; one with too many digits counts as the largest."""
    significant = digits.lstrip("0")
    if len(significant) > _MOST_DIGITS:
        return 10**_MOST_DIGITS
    return int(significant or "0") if digits else None


def _whole(file: Representation) -> Decision:
    headers = _validators(file) | {"Content-Length": str(file.size)}
    return Decision(200, 0, file.size - 1, headers)


def _validators(file: Representation) -> dict[str, str]:
    headers = {"Accept-Ranges": "bytes", "ETag": file.etag}
    if file.last_modified:
        headers["Last-Modified"] = format_datetime(file.last_modified.astimezone(UTC), usegmt=True)
    return headers


def _may_proceed(file: Representation, request: Mapping[str, str]) -> bool:
    """If-Match (13.1.1), or If-Unmodified-Since (13.1.4) without it."""
    if (listed := request.get("If-Match")) is not None:
        return listed.strip(" \t") == "*" or any(
            _strongly_equal(tag, file.etag) for tag in _entity_tags(listed)
        )
    since = _http_date(request.get("If-Unmodified-Since"))
    modified = _whole_seconds(file.last_modified)
    return since is None or modified is None or modified <= since


def _is_unchanged(file: Representation, request: Mapping[str, str]) -> bool:
    """If-None-Match (13.1.2), or If-Modified-Since (13.1.3) without it."""
    if (listed := request.get("If-None-Match")) is not None:
        opaque = {tag.removeprefix("W/") for tag in _entity_tags(listed)}
        return listed.strip(" \t") == "*" or file.etag in opaque
    since = _http_date(request.get("If-Modified-Since"))
    modified = _whole_seconds(file.last_modified)
    return since is not None and modified is not None and modified <= since


def _range_still_holds(file: Representation, request: Mapping[str, str]) -> bool:
    """If-Range (13.1.5): the file's own strong tag, or exactly its date."""
    validator = request.get("If-Range")
    if validator is None:
        return True
    validator = validator.strip(" \t")
    if validator.startswith(('"', "W/")):
        return _strongly_equal(validator, file.etag)
    date = _http_date(validator)
    return date is not None and date == _whole_seconds(file.last_modified)


def _entity_tags(listed: str) -> list[str]:
    """The tags of a list; none if the list is malformed."""
    if not _TAG_LIST.fullmatch(listed):
        return []
    return [found.group() for found in _ENTITY_TAG.finditer(listed)]


def _strongly_equal(one: str, other: str) -> bool:
    return one == other and not one.startswith("W/")


def _http_date(value: str | None) -> datetime | None:
    """An HTTP date in any of its three formats (5.6.7); None if it is not one."""
    try:
        date = parsedate_to_datetime(value or "")
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _whole_seconds(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(microsecond=0) if moment else None
