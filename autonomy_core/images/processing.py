"""Processes an uploaded image in a limited child process, when the organisation's turn comes.

The process that serves requests never decodes an upload. It also checks all that the child answers: a
decoder that an attack has taken over could answer anything.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import structlog

from autonomy_core.files.limited import ChildFailed, LimitReached, Limits, run_limited
from autonomy_core.images.domain import (
    FINDINGS,
    LARGEST_BOX,
    MEDIA_TYPES,
    Finding,
    ProcessedImage,
    Rendition,
    describe,
    sizes_of,
)
from autonomy_core.images.errors import ImageRefused, ImagesBusy
from autonomy_core.images.signatures import is_of
from autonomy_core.kernel.images import ImageProcessor
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.turns import FairTurns, TurnsBusy

log = structlog.get_logger(__name__)

LIMITS: Final = Limits(cpu_s=30, memory_bytes=400 * 1024 * 1024, wall_s=60.0, output_bytes=48 * 1024 * 1024)
"""The answer has the files of all sizes, in base64."""

WAIT_S: Final = 20
"""How long an upload waits for its turn, in seconds."""
PLACES: Final = 16
"""How many uploads of all organisations may wait. Each occupies a thread of a process."""

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")


def accepted(scope: TenantScope, path: Path) -> ProcessedImage:
    """Process an upload with the server's processor.

    Args:
        scope: in no transaction, because it may take seconds.
        path: the received file.

    Raises:
        ImageRefused: with every finding.
        ImagesBusy: too many uploads wait already.
    """
    runtime = runtime_of(scope)
    with _turn(scope):
        image = process(runtime.image_processors[runtime.settings.images_processor], path)
    if image.findings:
        findings = [describe(found) for found in image.findings]
        log.info("images.refused", codes=[found["code"] for found in findings])
        raise ImageRefused(
            "Every reason is in findings, with what to do about it.", extra={"findings": findings}
        )
    return image


@contextmanager
def _turn(scope: TenantScope) -> Iterator[None]:
    try:
        with _turns(scope.server.images_at_once).turn(scope.organisation.id, WAIT_S):
            yield
    except TurnsBusy as error:
        raise ImagesBusy("Upload the image again in a while.", extra={"retry_after": WAIT_S}) from error


@lru_cache(maxsize=8)
def _turns(concurrent: int) -> FairTurns:
    return FairTurns(concurrent, PLACES)


def process(processor: ImageProcessor, path: Path, *, limits: Limits = LIMITS) -> ProcessedImage:
    """Inspect an image and make its sizes.

    Args:
        processor: what decodes it.
        path: the file; it is only read.
        limits: of the child process.

    Returns:
        The result. Bad input, a crash and a reached limit are findings, never exceptions.
    """
    try:
        return read_result(run_limited(processor.function, path, limits))
    except LimitReached as error:
        return ProcessedImage((Finding("processing_limit", {"limit": error.limit}),))
    except (ChildFailed, OSError) as error:
        log.error("images.processing_failed", processor=processor.name, reason=str(error))  # noqa: TRY400
    except (ValueError, TypeError, KeyError, AttributeError):
        log.exception("images.no_result", processor=processor.name)
    return ProcessedImage((Finding("processing_failed"),))


def read_result(document: Mapping[str, Any]) -> ProcessedImage:
    """Read and verify what the function of a processor returned.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not such a result.
    """
    findings, warnings = (
        tuple(Finding(item["code"], dict(item["detail"])) for item in document[name])
        for name in ("findings", "warnings")
    )
    wrong = [one.code for one in findings if not FINDINGS[one.code].refuses]
    wrong += [one.code for one in warnings if FINDINGS[one.code].refuses]
    if wrong:
        raise ValueError(f"findings among the warnings, or the reverse: {wrong}")
    if findings:
        return ProcessedImage(findings)
    width, height, colour = int(document["width"]), int(document["height"]), str(document["colour"])
    if not (0 < width <= LARGEST_BOX and 0 < height <= LARGEST_BOX and _COLOUR.fullmatch(colour)):
        raise ValueError(f"an image of {width} x {height} pixels in {colour!r}")
    renditions = tuple(map(_rendition, document["renditions"]))
    expected = {
        (name, media_type, *size)
        for name, size in sizes_of(width, height).items()
        for media_type in MEDIA_TYPES.values()
    }
    given = [(one.name, one.media_type, one.width, one.height) for one in renditions]
    if sorted(given) != sorted(expected):
        raise ValueError(f"the sizes are {given}, and not {expected}")
    return ProcessedImage(findings, warnings, width, height, colour, renditions)


def _rendition(item: Mapping[str, Any]) -> Rendition:
    content = base64.b64decode(item["content"], validate=True)
    if not is_of(item["media_type"], content):
        raise ValueError(f"the size {item['name']!r} is no {item['media_type']!r}")
    return Rendition(item["name"], item["media_type"], item["width"], item["height"], content)
