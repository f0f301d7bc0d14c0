"""The image processor of the core, with Pillow. It runs in a limited child process.

Only the decoder of the format that the file's first bytes name reads the file. All metadata are left behind,
because the sizes are made of pixels only.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from PIL import AvifImagePlugin, ExifTags, Image, ImageCms

from autonomy_core.images.domain import (
    JPEG,
    LARGEST_BOX,
    WEBP,
    Finding,
    fit,
    shape_warnings,
    size_problems,
    sizes_of,
)
from autonomy_core.images.signatures import SNIFFED_BYTES, format_of

# `domain.size_problems` checks the size before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
# Each thread of the decoder would reserve memory, and the number of processors would decide what fits.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    JPEG: {"format": "JPEG", "quality": 85, "optimize": True, "progressive": True},
    WEBP: {"format": "WEBP", "quality": 82, "method": 2},
}
_WITH_TRANSPARENCY: Final = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_TRANSPOSE: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SAMPLED_SIDE: Final = 64
_SAMPLED_COLOURS: Final = 8


class _Refused(Exception):
    def __init__(self, *findings: Finding) -> None:
        super().__init__(findings)
        self.findings = findings


def process(path: Path) -> dict[str, Any]:
    """Inspect an image and make its sizes. `plugin_api.protocols.ImageProcessor` describes the result.

    Raises:
        OSError: the file cannot be opened.
        MemoryError: the image needs more memory than the process may have.
    """
    try:
        image, warnings = _read(path)
    except _Refused as refused:
        return _document(refused.findings)
    width, height = image.size
    warnings += shape_warnings(width, height)
    flat = image
    if image.mode == "RGBA":
        flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        warnings.append(Finding("transparent"))
    return {
        **_document(warnings=warnings),
        "width": width,
        "height": height,
        "colour": _dominant_colour(flat),
        "renditions": [*_renditions(JPEG, flat), *_renditions(WEBP, image)],
    }


def _document(findings: tuple[Finding, ...] = (), warnings: list[Finding] | None = None) -> dict[str, Any]:
    return {
        name: [{"code": one.code, "detail": dict(one.detail)} for one in found]
        for name, found in (("findings", findings), ("warnings", warnings or []))
    }


def _read(path: Path) -> tuple[Image.Image, list[Finding]]:
    """The image as it is to be seen, as RGB or, with transparent parts, RGBA; and warnings.

    Raises:
        _Refused: with every reason.
    """
    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
        if not head:
            raise _Refused(Finding("empty_file"))
        name, accepted = format_of(head)
        if not accepted:
            raise _Refused(Finding("foreign_format", {"format": name}))
        file.seek(0)
        try:
            image = Image.open(file, formats=[name])
            _check(image, name)
            # A JPEG is decoded at the smallest scale that is large enough.
            image.draft(None, fit(*image.size, LARGEST_BOX))
            image.load()
        except (_Refused, MemoryError):
            raise
        except Exception as error:  # the decoders raise errors of many classes
            raise _Refused(_decoding_failed(error)) from error
    warnings: list[Finding] = []
    profile, turned = image.info.get("icc_profile"), _transposition(image, warnings)
    small = _shrunk(_eight_bits(image))
    image.close()
    upright = small if turned is None else small.transpose(turned)
    return _opaque_if_possible(_in_srgb(upright, profile, warnings)), warnings


def _check(image: Image.Image, name: str) -> None:
    found = size_problems(name, *image.size)
    # A JPEG with a preview or a depth map inside (MPO) is not animated: its first picture is the image.
    frames = 1 if name == "JPEG" else getattr(image, "n_frames", 1)
    if frames > 1:
        found.append(Finding("animated", {"frames": frames}))
    if found:
        raise _Refused(*found)


def _decoding_failed(error: Exception) -> Finding:
    reason = f"{type(error).__name__}: {error}"[:200]
    return Finding("truncated" if "truncated" in reason.lower() else "unreadable", {"reason": reason})


def _transposition(image: Image.Image, warnings: list[Finding]) -> Image.Transpose | None:
    """How to turn the image upright, from its EXIF or XMP metadata."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return _TRANSPOSE.get(orientation)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - metadata are hostile or broken in many ways, and are no reason to refuse
        warnings.append(Finding("orientation_ignored"))
        return None


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits in each channel, without a palette."""
    if image.mode.startswith("I") or image.mode == "F":
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in {"L", "RGB"} and "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA") if image.mode in _WITH_TRANSPARENCY else image


def _shrunk(image: Image.Image) -> Image.Image:
    """The image in the largest size. The colours are converted afterwards, because that copies the image."""
    return image.resize(fit(*image.size, LARGEST_BOX), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _in_srgb(image: Image.Image, profile: bytes | None, warnings: list[Finding]) -> Image.Image:
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image,
                source,
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode=target,
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            warnings.append(Finding("profile_ignored"))
        else:
            assert converted is not None  # noqa: S101 - for the type checker: it is not done in place
            return converted
    return image if image.mode == target else image.convert(target)


def _opaque_if_possible(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    least, _ = image.getchannel("A").getextrema()
    return image.convert("RGB") if least == 255 else image


def _dominant_colour(image: Image.Image) -> str:
    """The most frequent colour of a small version of the image, as ``#rrggbb``."""
    small = image.resize((_SAMPLED_SIDE, _SAMPLED_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    palette = small.quantize(_SAMPLED_COLOURS)
    counts = palette.getcolors() or []
    colours = palette.getpalette() or []
    _, index = max(counts)
    assert isinstance(index, int)  # noqa: S101 - for the type checker
    red, green, blue = colours[3 * index : 3 * index + 3]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _renditions(media_type: str, image: Image.Image) -> Iterator[dict[str, Any]]:
    """Every size in one format, the largest first: each is made of the one before, which is faster."""
    for name, size in reversed(sizes_of(*image.size).items()):
        if size != image.size:
            image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        image.info = {}
        yield {
            "name": name,
            "media_type": media_type,
            "width": size[0],
            "height": size[1],
            "content": base64.b64encode(_encoded(image, media_type)).decode("ascii"),
        }


def _encoded(image: Image.Image, media_type: str) -> bytes:
    written = io.BytesIO()
    try:
        image.save(written, **_OPTIONS[media_type])
    except OSError:
        if media_type != JPEG:
            raise
        # Pillow's buffer is too small for a progressive JPEG of noise. A baseline JPEG is written in pieces.
        written = io.BytesIO()
        image.save(written, format="JPEG", quality=_OPTIONS[JPEG]["quality"])
    return written.getvalue()
