"""The image processors of the core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from autonomy_core.kernel.images import ImageProcessor


@dataclass(slots=True)
class Processor:
    """An `ImageProcessor`."""

    name: str
    function: str


PILLOW: Final = Processor("pillow", "autonomy_core.images.pillow_processor:process")

PROCESSORS: Final[tuple[ImageProcessor, ...]] = (PILLOW,)
"""The default is the first one."""
