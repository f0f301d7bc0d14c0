"""Use cases of covers: after a change, the formats are made anew, because the cover is in each file."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from autonomy_core.plugin_api.files import Upload
from autonomy_core.plugin_api.images import CurrentImage, images_of, put_image, remove_image
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.models import Track
from media_mp3.renditions.services import request_renditions
from media_mp3.settings import PRODUCT_IMAGE, TRACK_IMAGE


def put_cover(
    scope: TenantScope, track_id: UUID, upload: Upload, *, alt: str | None, actor: str
) -> CurrentImage:
    """Give a track a cover of its own, instead of the one that it may have.

    Args:
        scope: in no transaction, see `put_image`.
        alt: the text for people who do not see the image; None for the title of the track.
        actor: the caller, for the audit trail.

    Raises:
        ImageRefused, ImagesBusy, StorageUnavailable
    """
    image = put_image(scope, TRACK_IMAGE, track_id, upload, alt=alt, actor=actor)
    with scope.begin() as own:
        request_renditions(own)
    return image


def remove_cover(scope: TenantScope, track_id: UUID, *, actor: str) -> None:
    """Take the cover away from a track. It shows that of its product again.

    Raises:
        NoImage: it has none of its own.
    """
    remove_image(scope, TRACK_IMAGE, track_id, actor=actor)
    request_renditions(scope)


def covers_of(
    scope: TenantScope, tracks: Sequence[Track]
) -> tuple[CurrentImage | None, dict[UUID, CurrentImage]]:
    """Return the cover of the product of some tracks, and the tracks' own, by the track's id."""
    of_product = images_of(scope, PRODUCT_IMAGE, {track.product_id for track in tracks})
    return next(iter(of_product.values()), None), dict(
        images_of(scope, TRACK_IMAGE, [track.id for track in tracks])
    )
