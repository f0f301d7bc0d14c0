"""What an image has to be, the sizes that are made of it, and the findings of its inspection. Pure.

Every finding has a stable code. `FINDINGS` explains each one, and docs/covers.md is checked against it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SHORTEST_SIDE: Final = 300
LONGEST_SIDE: Final = 10_000
MOST_PIXELS: Final = {"JPEG": 40_000_000, "PNG": 16_000_000, "WEBP": 12_000_000, "AVIF": 16_000_000}
"""By format. With more, decoding would need more memory than the child process may have."""

BOXES: Final = {"120": 120, "300": 300, "600": 600, "1200": 1200}
"""The longest side of each size in pixels, by the size's name."""
FULL: Final = "full"
"""The largest size: as large as the upload, up to `LARGEST_BOX`."""
LARGEST_BOX: Final = 3000
SIZE_NAMES: Final = (*BOXES, FULL)

JPEG: Final = "image/jpeg"
WEBP: Final = "image/webp"
MEDIA_TYPES: Final = {"jpg": JPEG, "webp": WEBP}
"""By the extension in a URL."""

_SQUARE_TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a finding means, and what the person who uploads can do about it.

    Attributes:
        refuses: False for a warning: the image is accepted, and staff are shown the finding.
    """

    meaning: str
    remedy: str
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an image.

    Attributes:
        code: a key of `FINDINGS`.
        detail: figures, for example ``{"width": 120}``.
    """

    code: str
    detail: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One size of an image in one format.

    Attributes:
        name: of the size, see `SIZE_NAMES`.
        media_type: `JPEG` or `WEBP`.
        width: in pixels.
        height: in pixels.
        content: the bytes of the file.
    """

    name: str
    media_type: str
    width: int
    height: int
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of the content, 64 lower-case hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class ProcessedImage:
    """The result for one upload: the image in every size, or the reasons to refuse it.

    Attributes:
        findings: the reasons to refuse it; none if it is accepted.
        warnings: what is not ideal about an accepted image.
        width: of the size `FULL`, in pixels; 0 if the upload is refused.
        height: likewise.
        colour: the most frequent colour, as ``#rrggbb``.
        renditions: each size in each format.
    """

    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    width: int = 0
    height: int = 0
    colour: str = ""
    renditions: tuple[Rendition, ...] = ()

    @property
    def digest(self) -> str:
        """The identity of the image: the SHA-256 over the digests of its renditions.

        It changes when another processor makes other bytes of the same upload. So a URL with it always means
        the same bytes.
        """
        digests = sorted(f"{one.name} {one.media_type} {one.sha256}" for one in self.renditions)
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


FINDINGS: Final[Mapping[str, Explanation]] = {
    "empty_file": Explanation("The file has no bytes.", "Choose the file again, and upload it."),
    "foreign_format": Explanation(
        "The content of the file is not a JPEG, PNG, WebP or AVIF image, whatever its name says.",
        "Save the picture as JPEG, PNG, WebP or AVIF, and upload that file.",
    ),
    "unreadable": Explanation(
        "The file begins like an image, and cannot be decoded: it is damaged, or of a rare variety.",
        "Open the picture in an image program, and save it again as JPEG or PNG.",
    ),
    "truncated": Explanation(
        "The file ends before the image does.",
        "Copy or download the file again from where it comes from, and upload it.",
    ),
    "too_small": Explanation(
        f"A side of the image is shorter than {SHORTEST_SIDE} pixels.",
        f"Upload a picture of at least {SHORTEST_SIDE} x {SHORTEST_SIDE} pixels; 3000 x 3000 is best.",
    ),
    "too_large": Explanation(
        f"A side of the image is longer than {LONGEST_SIDE} pixels, or it has more pixels than the server "
        "decodes.",
        "Scale the picture to 3000 x 3000 pixels, which is the largest size that is shown.",
    ),
    "animated": Explanation(
        "The file has several pictures that are shown one after the other.",
        "Export a single picture of it.",
    ),
    "processing_limit": Explanation(
        "The server needed more memory or time for the image than it may use.",
        "Scale the picture to 3000 x 3000 pixels, and save it as JPEG or PNG.",
    ),
    "processing_failed": Explanation(
        "The server could not process the image. Its log says why.",
        "Save the picture again as JPEG or PNG. If that is refused as well, ask the operator for the reason.",
    ),
    "small": Explanation(
        "The image is smaller than 1200 pixels, so it looks blurred on large screens.",
        "Upload a larger picture if there is one.",
        refuses=False,
    ),
    "not_square": Explanation(
        "The image is not square. Players and shops show covers as squares, and cut them or add borders.",
        "Cut the picture to a square.",
        refuses=False,
    ),
    "transparent": Explanation(
        "Parts of the image are transparent. The JPEG sizes show them white.",
        "Fill the background, if white is not right.",
        refuses=False,
    ),
    "profile_ignored": Explanation(
        "The colour profile in the file cannot be used, so the colours may differ from the original.",
        "Convert the picture to sRGB, and save it again.",
        refuses=False,
    ),
    "orientation_ignored": Explanation(
        "The metadata with the orientation cannot be read, so the picture may be rotated.",
        "If it is, rotate the picture in an image program, and save it again.",
        refuses=False,
    ),
}


def describe(found: Finding) -> dict[str, Any]:
    """The finding as the API shows it."""
    known = FINDINGS[found.code]
    return {
        "code": found.code,
        "message": known.meaning,
        "detail": dict(found.detail),
        "remedy": known.remedy,
    }


def size_problems(image_format: str, width: int, height: int) -> list[Finding]:
    """The reasons to refuse an image because of its size, which is known before it is decoded.

    Args:
        image_format: a key of `MOST_PIXELS`.
        width: in pixels.
        height: in pixels.
    """
    detail: dict[str, int | str] = {"width": width, "height": height}
    most = MOST_PIXELS[image_format]
    found = []
    if min(width, height) < SHORTEST_SIDE:
        found.append(Finding("too_small", {**detail, "least": SHORTEST_SIDE}))
    if max(width, height) > LONGEST_SIDE:
        found.append(Finding("too_large", {**detail, "longest_side": LONGEST_SIDE}))
    elif width * height > most:
        found.append(Finding("too_large", {**detail, "most_pixels": most}))
    return found


def shape_warnings(width: int, height: int) -> list[Finding]:
    """The warnings about the size of an accepted image, in pixels."""
    detail: dict[str, int | str] = {"width": width, "height": height}
    found = []
    if max(width, height) < BOXES["1200"]:
        found.append(Finding("small", detail))
    if abs(width - height) > _SQUARE_TOLERANCE * max(width, height):
        found.append(Finding("not_square", detail))
    return found


def fit(width: int, height: int, box: int) -> tuple[int, int]:
    """Scale width and height in pixels so that the longer is at most ``box``. Nothing is scaled up."""
    longest = max(width, height)
    if longest <= box:
        return width, height
    return max(1, round(width * box / longest)), max(1, round(height * box / longest))


def sizes_of(width: int, height: int) -> dict[str, tuple[int, int]]:
    """The sizes that are made of an image, by name, the smallest first; only those that it reaches.

    Args:
        width: of the upload, in pixels.
        height: likewise.
    """
    smaller = {name: fit(width, height, box) for name, box in BOXES.items() if box < max(width, height)}
    return {**smaller, FULL: fit(width, height, LARGEST_BOX)}


def colour_of_text(text: str) -> str:
    """A colour for a text, as ``#rrggbb``: the same text always has the same one. White is legible on it."""
    digest = hashlib.sha256(text.encode()).digest()
    return "#" + "".join(f"{0x20 + byte % 0x70:02x}" for byte in digest[:3])


def largest_within(wanted: int, width: int, height: int) -> str:
    """The name of the largest size whose sides are at most ``wanted`` pixels; the smallest if none is.

    Args:
        width: of the full size, in pixels.
        height: likewise.
    """
    sizes = sizes_of(width, height)
    fitting = [name for name, size in sizes.items() if max(size) <= wanted]
    return fitting[-1] if fitting else next(iter(sizes))
