"""A file with which a password is looked up in a list: a Bloom filter over SHA-1 hashes.

It may call few passwords listed that are not; it finds every listed one. The file is mapped into memory. So
all processes share its pages, and a filter of gigabytes takes no memory of a process.

The file begins with a line of JSON: see `_Header`. The bits follow.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FORMAT = "autonomy-password-filter-1"
LONGEST_HEADER = 1024

HASHED = re.compile(rb"([0-9A-Fa-f]{40})(?::\d+)?")
"""A line of a list of hashes, as Have I Been Pwned publishes it: the SHA-1 in hexadecimal, and a count."""


class NotAFilter(Exception):
    """The file is no filter, or is incomplete."""


@dataclass(frozen=True, slots=True)
class _Header:
    """What a filter is made of.

    Attributes:
        format: `FORMAT`.
        bits: the size of the filter in bits.
        positions: how many bits each password sets.
        passwords: how many passwords it was made for.
    """

    format: str
    bits: int
    positions: int
    passwords: int


class PasswordFilter:
    """An open filter.

    Args:
        path: the file.

    Raises:
        NotAFilter: it is no filter.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._header = _read_header(file.readline(LONGEST_HEADER))
            self._begin = file.tell()
            if path.stat().st_size != self._begin + math.ceil(self._header.bits / 8):
                raise NotAFilter("its size is not the one that its first line states")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, password: object) -> bool:
        """Return whether a password is listed; for few that are not, too."""
        digest = hashlib.sha1(str(password).encode(), usedforsecurity=False).digest()
        return all(
            self._map[self._begin + (at >> 3)] & 1 << (at & 7)
            for at in _positions(digest, self._header.bits, self._header.positions)
        )

    def __len__(self) -> int:
        """Return how many passwords the filter was made for."""
        return self._header.passwords


def build(lists: Iterable[Path], target: Path, rate: float) -> PasswordFilter:
    """Make a filter.

    Args:
        lists: text files with a password in each line, or its SHA-1 as Have I Been Pwned publishes it.
            Passwords are added as they are and in lower case.
        target: the file to write. It is replaced when the filter is complete.
        rate: the share of other passwords that the filter may call listed.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the lists are empty.
    """
    lists = list(lists)
    count = sum(1 for _ in _digests(lists))
    if not count:
        raise ValueError("the lists contain no password")
    bits = math.ceil(-count * math.log(rate) / math.log(2) ** 2)
    header = _Header(FORMAT, bits, max(1, round(bits / count * math.log(2))), count)
    first = json.dumps(asdict(header)).encode() + b"\n"
    draft = target.with_name(f".{target.name}.draft")
    try:
        with draft.open("w+b") as file:
            file.write(first)
            file.truncate(len(first) + math.ceil(bits / 8))
            with mmap.mmap(file.fileno(), 0) as content:
                for digest in _digests(lists):
                    for at in _positions(digest, bits, header.positions):
                        content[len(first) + (at >> 3)] |= 1 << (at & 7)
                content.flush()
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return PasswordFilter(target)


def _read_header(line: bytes) -> _Header:
    try:
        header = _Header(**json.loads(line))
    except (ValueError, TypeError):
        raise NotAFilter("it does not begin with the line of a filter") from None
    sizes = (header.bits, header.positions, header.passwords)
    if header.format != FORMAT or not all(type(size) is int and size > 0 for size in sizes):
        raise NotAFilter(f"it is not of the format {FORMAT}")
    return header


def _positions(digest: bytes, bits: int, count: int) -> Iterator[int]:
    """Yield the bits of a password (enhanced double hashing: Dillinger and Manolios, 2004).

    The hash is uniformly distributed already, so that its two halves are the two hash functions.
    """
    at, step = int.from_bytes(digest[:8]) % bits, int.from_bytes(digest[8:16]) % bits
    for number in range(1, count + 1):
        yield at
        at = (at + step) % bits
        step = (step + number) % bits


def _digests(lists: Iterable[Path]) -> Iterator[bytes]:
    for path in lists:
        with path.open("rb") as lines:
            for line in lines:
                yield from _digests_of(line.rstrip(b"\r\n"))


def _digests_of(line: bytes) -> Iterator[bytes]:
    hashed = HASHED.fullmatch(line)
    if hashed is not None:
        yield bytes.fromhex(hashed[1].decode())
    elif line:
        spellings = {line, line.decode("utf-8", "replace").casefold().encode()}
        for spelling in sorted(spellings):
            yield hashlib.sha1(spelling, usedforsecurity=False).digest()
