"""Tells the format of a file from its first bytes, whatever its name or Content-Type says."""

from __future__ import annotations

from typing import Final

SNIFFED_BYTES: Final = 64

_ACCEPTED: Final = (("JPEG", b"\xff\xd8\xff"), ("PNG", b"\x89PNG\r\n\x1a\n"))
_FOREIGN: Final = (
    ("GIF", b"GIF8"),
    ("BMP", b"BM"),
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("PSD", b"8BPS"),
    ("JPEG XL", b"\xff\x0a"),
    ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ("ICO", b"\0\0\1\0"),
    ("PDF", b"%PDF-"),
    ("PostScript", b"%!PS"),
    ("ZIP", b"PK\3\4"),
    ("MP3", b"ID3"),
)
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_MARKUP: Final = (b"<?xml", b"<svg", b"<!doc", b"<html", b"<!--", b"<scri")


def format_of(head: bytes) -> tuple[str, bool]:
    """The name of a file's format, and whether it is accepted as an image.

    Args:
        head: the first `SNIFFED_BYTES` of the file, or all of it.

    Returns:
        For an accepted file, Pillow's name: ``JPEG``, ``PNG``, ``WEBP`` or ``AVIF``.
    """
    for name, magic in _ACCEPTED:
        if head.startswith(magic):
            return name, True
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP", True
    if head[4:8] == b"ftyp":
        return _of_boxes(head)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:5].lower().startswith(tuple(each[:5] for each in _MARKUP)):
        return "SVG, HTML or XML", False
    return next((name for name, magic in _FOREIGN if head.startswith(magic)), "unknown"), False


def _of_boxes(head: bytes) -> tuple[str, bool]:
    """A file of the ISO base media format (ISO 14496-12): its brands tell AVIF, HEIC and video apart."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[start : start + 4] for start in range(16, length - 3, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF", True
    return ("HEIC" if any(brand in _HEIF_BRANDS for brand in brands) else "MP4"), False


def is_of(media_type: str, content: bytes) -> bool:
    """Whether bytes begin like a file of a type, ``image/jpeg`` or ``image/webp``."""
    name = {"image/jpeg": "JPEG", "image/webp": "WEBP"}[media_type]
    return format_of(content[:SNIFFED_BYTES]) == (name, True)
