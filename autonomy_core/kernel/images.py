"""The Protocol of programs that decode uploaded images."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["ImageProcessor"]


@runtime_checkable
class ImageProcessor(Protocol):
    """Decodes uploaded images and makes their sizes, instead of Pillow.

    ``autonomy.images.processor`` in the server's ini file names the processor that the server uses. The core
    calls ``function`` in a child process with a limited address space, processor time and time, which cannot
    write files. `autonomy_core.testing.image_contract` tests it.

    The function takes the `Path` of a file that may be an attack, and returns a dictionary of JSON values:

    - ``findings``: the reasons to refuse the image, as ``{"code": ..., "detail": {...}}`` with the codes in
      docs/covers.md. If there are any, nothing else is read.
    - ``warnings``: likewise, for an image that is accepted.
    - ``width`` and ``height``: of the size ``full``, in pixels.
    - ``colour``: the most frequent colour, as ``#rrggbb``.
    - ``renditions``: each size of `plugin_api.images.sizes_of` as ``image/jpeg`` and as ``image/webp``, with
      ``name``, ``media_type``, ``width``, ``height``, and ``content`` in base64. They are in sRGB, upright,
      and have no metadata.

    The core verifies the sizes and the first bytes, and refuses the image if the function raises.
    """

    name: str
    """How the server's ini file names it."""

    function: str
    """``package.module:function`` of an installed package. The child imports it for each image."""
