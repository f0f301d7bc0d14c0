"""Sixty hostile and odd images: none breaks the processor, and what a browser shows is accepted.

Every file is processed in the child process with its limits, 400 MB of address space among them.
"""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from autonomy_core.images.domain import FINDINGS, Finding, fit, sizes_of
from autonomy_core.images.processing import LIMITS, process
from autonomy_core.images.processors import PILLOW

pytestmark = [pytest.mark.processes, pytest.mark.filterwarnings("ignore:Corrupt EXIF data")]

SIDE = 320


def saved(image, kind, **options):
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def plain(mode="RGB", colour=None, size=(SIDE, SIDE)):
    return Image.new(mode, size, colour if colour is not None else {"RGB": "teal"}.get(mode, 0))


def halves(mode="RGB"):
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (SIDE, SIDE), "red")
    image.paste("blue", (SIDE // 2, 0, SIDE, SIDE))
    return image.convert(mode)


JPEG, PNG = saved(halves(), "JPEG", quality=95), saved(halves(), "PNG")
WEBP, AVIF = saved(halves(), "WEBP", lossless=True), saved(halves(), "AVIF")


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth=8, colour=2, data=b"", extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(data)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_exif(orientation, image_format="JPEG"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 30.0)}
    return saved(halves(), image_format, exif=exif.tobytes())


def with_text(key, text, *, compressed):
    info = PngImagePlugin.PngInfo()
    info.add_text(key, text, zip=compressed)
    return saved(halves(), "PNG", pnginfo=info)


def frames(kind, **options):
    return saved(halves(), kind, save_all=True, append_images=[plain(), plain(colour="red")], **options)


def patched(content, position, replacement):
    return content[:position] + replacement + content[position + len(replacement) :]


def srgb():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def sof(width, height):
    """The JPEG with other dimensions in its frame header."""
    place = JPEG.index(b"\xff\xc0")
    return patched(JPEG, place + 5, struct.pack(">HH", height, width))


SIXTEEN = b"".join(b"\0" + struct.pack(">H", 40_000) * SIDE for _ in range(SIDE))
SIXTEEN_RGB = b"".join(b"\0" + struct.pack(">HHH", 40_000, 0, 0) * SIDE for _ in range(SIDE))

ACCEPTED = {
    "jpeg": JPEG,
    "png": PNG,
    "webp": WEBP,
    "avif": AVIF,
    "progressive jpeg": saved(halves(), "JPEG", progressive=True),
    "grey jpeg": saved(halves("L"), "JPEG"),
    "cmyk jpeg": saved(halves("CMYK"), "JPEG"),
    "jpeg of quality 1": saved(halves(), "JPEG", quality=1),
    "jpeg with bytes behind its end": JPEG + b"<script>alert(1)</script>" * 1000,
    "jpeg with a comment": saved(halves(), "JPEG", comment=b"x" * 60_000),
    "jpeg with a profile": saved(halves(), "JPEG", icc_profile=srgb()),
    "jpeg with a broken profile": saved(halves(), "JPEG", icc_profile=b"no profile at all" * 50),
    "cmyk jpeg with an rgb profile": saved(halves("CMYK"), "JPEG", icc_profile=srgb()),
    "jpeg with several pictures": saved(halves(), "MPO", save_all=True, append_images=[plain()]),
    "jpeg with broken exif": saved(halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 200),
    "jpeg with orientation 9": with_exif(9),
    "jpeg with a place": with_exif(1),
    "grey png": saved(halves("L"), "PNG"),
    "black and white png": saved(halves("1"), "PNG"),
    "png with a palette": saved(halves("P"), "PNG"),
    "png with a transparent palette": saved(halves("P"), "PNG", transparency=0),
    "png with a transparent colour": saved(halves(), "PNG", transparency=(255, 0, 0)),
    "grey png with transparency": saved(Image.new("LA", (SIDE, SIDE), (90, 90)), "PNG"),
    "transparent png": saved(Image.new("RGBA", (SIDE, SIDE), (255, 0, 0, 0)), "PNG"),
    "opaque png with an alpha channel": saved(halves("RGBA"), "PNG"),
    "grey png of 16 bits": png(SIDE, SIDE, 16, 0, SIXTEEN),
    "colour png of 16 bits": png(SIDE, SIDE, 16, 2, SIXTEEN_RGB),
    "png with a text": with_text("Comment", "hello", compressed=False),
    "png with a profile": saved(halves(), "PNG", icc_profile=srgb()),
    "png with bytes behind its end": PNG + b"PK\3\4" * 100,
    "lossy webp": saved(halves(), "WEBP", quality=10),
    "transparent webp": saved(Image.new("RGBA", (SIDE, SIDE), (0, 0, 255, 90)), "WEBP"),
    "transparent avif": saved(Image.new("RGBA", (SIDE, SIDE), (0, 0, 255, 90)), "AVIF"),
    "wide": saved(plain(size=(3200, 300)), "PNG"),
    "large png": saved(plain(size=(4000, 4000)), "PNG"),
    "large jpeg": saved(plain(size=(6200, 6200)), "JPEG"),
}

REFUSED = {
    "nothing": (b"", "empty_file"),
    "one byte": (b"\xff", "foreign_format"),
    "zeros": (bytes(5000), "foreign_format"),
    "text": (b"hello, this is a picture" * 20, "foreign_format"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "foreign_format"),
    "html": (b"<!doctype html><img src=x onerror=alert(1)>", "foreign_format"),
    "gif": (saved(halves("P"), "GIF"), "foreign_format"),
    "bmp": (saved(halves(), "BMP"), "foreign_format"),
    "tiff": (saved(halves(), "TIFF"), "foreign_format"),
    "pdf": (saved(halves(), "PDF"), "foreign_format"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "foreign_format"),
    "half a jpeg": (saved(Image.effect_noise((SIDE, SIDE), 90), "JPEG")[:20_000], "truncated"),
    "jpeg without pixels": (JPEG[: JPEG.index(b"\xff\xda") + 4], None),
    "only the marker of a jpeg": (b"\xff\xd8\xff\xe0", None),
    "half a png": (saved(Image.effect_noise((SIDE, SIDE), 90), "PNG")[:40_000], "truncated"),
    "half a webp": (saved(Image.effect_noise((SIDE, SIDE), 90).convert("RGB"), "WEBP")[:4000], None),
    "half an avif": (AVIF[: len(AVIF) // 2], None),
    "small": (saved(plain(size=(299, 299)), "PNG"), "too_small"),
    "one pixel high": (saved(plain(size=(5000, 1)), "PNG"), "too_small"),
    "a long side": (saved(plain(size=(10_001, 300)), "PNG"), "too_large"),
    "png that declares 400 million pixels": (png(20_000, 20_000, data=bytes(1000)), "too_large"),
    "png that declares the largest size": (png(2**31 - 1, 2**31 - 1), "too_large"),
    "jpeg that declares 65535 x 65535": (sof(65_535, 65_535), "too_large"),
    "animated png": (frames("PNG"), "animated"),
    "animated webp": (frames("WEBP"), "animated"),
    "animated avif": (frames("AVIF"), "animated"),
    "png of zeros for 16 million pixels": (png(4000, 4000, 8, 2, bytes(1000)), None),
    "png with a damaged checksum": (patched(PNG, 29, b"\0\0\0\0"), "unreadable"),
    "png with an unknown colour type": (png(400, 400, 8, 5, b"\0" * 1000), "unreadable"),
    "png with a bomb of text": (with_text("Bomb", "\0" * 80_000_000, compressed=True), "unreadable"),
}


@pytest.fixture
def processed(tmp_path):
    def run(content):
        path = tmp_path / "upload"
        path.write_bytes(content)
        return process(PILLOW, path)

    return run


def test_there_are_sixty_and_each_child_has_400_megabytes():
    assert len(ACCEPTED) + len(REFUSED) >= 60
    assert LIMITS.memory_bytes == 400 * 1024 * 1024


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_an_image_that_browsers_show_is_accepted(processed, content):
    image = processed(content)

    assert image.findings == ()
    source = Image.open(io.BytesIO(content))
    assert (image.width, image.height) == fit(*source.size, 3000)
    for one in image.renditions:
        shown = Image.open(io.BytesIO(one.content))
        shown.load()
        assert shown.size == sizes_of(image.width, image.height)[one.name]
        assert {"exif", "icc_profile", "xmp", "comment"} & shown.info.keys() == set()


@pytest.mark.parametrize(("content", "code"), REFUSED.values(), ids=REFUSED)
def test_another_file_is_refused_with_a_reason(processed, content, code):
    image = processed(content)

    codes = {found.code for found in image.findings}
    assert codes
    assert image.renditions == ()
    assert codes <= FINDINGS.keys() - {"processing_failed", "processing_limit"}
    if code:
        assert code in codes


def pixel(image, x, y, name="full", media_type="image/jpeg"):
    [found] = [one for one in image.renditions if (one.name, one.media_type) == (name, media_type)]
    return Image.open(io.BytesIO(found.content)).convert("RGBA").getpixel((x, y))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "AVIF"])
def test_a_photo_is_turned_upright(processed, kind):
    image = processed(with_exif(6, kind))  # the left side of the file is the top of the picture

    assert pixel(image, SIDE // 2, 20)[0] > 200
    assert pixel(image, SIDE // 2, SIDE - 20)[2] > 200


def test_sixteen_bits_keep_their_brightness(processed):
    grey, colour = (
        pixel(processed(ACCEPTED[name]), 9, 9) for name in ("grey png of 16 bits", "colour png of 16 bits")
    )

    assert abs(grey[0] - 156) <= 3
    assert abs(colour[0] - 156) <= 6


def test_transparency_is_white_in_jpeg_and_kept_in_webp(processed):
    image = processed(ACCEPTED["transparent png"])

    assert Finding("transparent") in image.warnings
    assert pixel(image, 9, 9) == (255, 255, 255, 255)
    assert pixel(image, 9, 9, media_type="image/webp")[3] == 0


def test_an_opaque_alpha_channel_is_no_transparency(processed):
    image = processed(ACCEPTED["opaque png with an alpha channel"])

    assert Finding("transparent") not in image.warnings


def test_an_unusable_profile_is_a_warning(processed):
    for name in ("jpeg with a broken profile", "cmyk jpeg with an rgb profile"):
        assert Finding("profile_ignored") in processed(ACCEPTED[name]).warnings


def test_more_pixels_than_the_memory_holds_are_refused(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(ACCEPTED["large png"])
    tight = type(LIMITS)(memory_bytes=100 * 1024 * 1024)

    [found] = process(PILLOW, path, limits=tight).findings

    assert found == Finding("processing_limit", {"limit": "memory"})
