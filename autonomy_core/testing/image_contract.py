"""`ImageProcessorContract`: what every image processor has to keep, as tests to inherit.

In a plugin's tests::

    from autonomy_core.testing.image_contract import ImageProcessorContract


    class TestContract(ImageProcessorContract):
        @pytest.fixture
        def processor(self):
            return Vips()

The function runs in a child process with the server's limits, as it does in production.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from autonomy_core.images.domain import MEDIA_TYPES, ProcessedImage
from autonomy_core.images.processing import process
from autonomy_core.plugin_api.images import sizes_of
from autonomy_core.plugin_api.protocols import ImageProcessor

WIDTH, HEIGHT = 700, 640
_TURNED_LEFT = 6
_ORIENTATION, _PLACE = 0x0112, 0x8825


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def _picture(mode: str = "RGB") -> Image.Image:
    """Red above, blue below, and more red than blue."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "red")
    image.paste("blue", (0, HEIGHT * 2 // 3, WIDTH, HEIGHT))
    return image.convert(mode)


def _process(processor: ImageProcessor, tmp_path: Path, content: bytes) -> ProcessedImage:
    (path := tmp_path / "upload").write_bytes(content)
    return process(processor, path)


@pytest.mark.processes
class ImageProcessorContract:
    """Inherit it, and give the fixture ``processor``."""

    @pytest.fixture
    def processor(self) -> ImageProcessor:
        """The processor. Override it."""
        raise NotImplementedError

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_every_format_gives_every_size(
        self, processor: ImageProcessor, tmp_path: Path, kind: str
    ) -> None:
        """In both formats, in sRGB, with the most frequent colour."""
        image = _process(processor, tmp_path, _saved(_picture(), kind))
        assert image.findings == ()
        assert (image.width, image.height) == (WIDTH, HEIGHT)
        red, green, blue = (int(image.colour[start : start + 2], 16) for start in (1, 3, 5))
        assert red > 200
        assert max(green, blue) < 60
        expected = {(name, kind) for name in sizes_of(WIDTH, HEIGHT) for kind in MEDIA_TYPES.values()}
        assert {(one.name, one.media_type) for one in image.renditions} == expected

    def test_a_photo_is_upright_and_has_no_metadata(self, processor: ImageProcessor, tmp_path: Path) -> None:
        """They may tell where a photo was taken."""
        exif = Image.Exif()
        exif[_ORIENTATION], exif[_PLACE] = _TURNED_LEFT, {1: "N", 2: (48.0, 12.0, 30.0)}
        image = _process(processor, tmp_path, _saved(_picture(), "JPEG", exif=exif.tobytes()))
        assert (image.width, image.height) == (HEIGHT, WIDTH)
        for one in image.renditions:
            assert {"exif", "icc_profile", "xmp"} & Image.open(io.BytesIO(one.content)).info.keys() == set()

    @pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "CMYK"])
    def test_colours_of_every_kind_are_accepted(
        self, processor: ImageProcessor, tmp_path: Path, mode: str
    ) -> None:
        """Grey, palette, black and white, transparent, and for print."""
        kind = "JPEG" if mode == "CMYK" else "PNG"
        assert _process(processor, tmp_path, _saved(_picture(mode), kind)).findings == ()

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "empty_file"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "foreign_format"),
            (_saved(Image.new("P", (400, 400)), "GIF"), "foreign_format"),
            (_saved(Image.effect_noise((400, 400), 90), "PNG")[:50_000], "truncated"),
            (_saved(Image.new("RGB", (299, 400)), "PNG"), "too_small"),
            (_saved(Image.new("L", (10_001, 300)), "PNG"), "too_large"),
            (
                _saved(_picture(), "PNG", save_all=True, append_images=[_picture("1").convert("RGB")]),
                "animated",
            ),
        ],
        ids=["nothing", "svg", "gif", "half", "small", "long", "animated"],
    )
    def test_other_files_are_refused_with_their_code(
        self, processor: ImageProcessor, tmp_path: Path, content: bytes, code: str
    ) -> None:
        """The codes are those of docs/covers.md."""
        assert code in {found.code for found in _process(processor, tmp_path, content).findings}
