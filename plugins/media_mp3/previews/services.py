"""Use cases of previews: to choose what visitors hear, to see how far it is, to find the finished file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from autonomy_core.plugin_api.audit import change, record
from autonomy_core.plugin_api.catalog import find_product
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import ServedFile
from autonomy_core.plugin_api.limits import Bucket, RateLimit, count_attempt
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.models import Track
from media_mp3.previews.domain import NONE, Choice
from media_mp3.previews.formats import MEDIA_TYPE
from media_mp3.previews.models import PreviewChoice
from media_mp3.previews.planning import choices_of
from media_mp3.renditions.models import Rendition
from media_mp3.renditions.services import Progress, preview_progress, request_renditions
from media_mp3.settings import PLUGIN

_PUBLISHED: Final = "published"
_PERIOD: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ChosenPreview:
    """What visitors hear of a track, for staff.

    Attributes:
        by_staff: whether staff chose it; False if the ini file says it.
        progress: how far the worker is; None if there is no preview.
    """

    mode: str
    start_ms: int | None
    length_ms: int
    by_staff: bool
    progress: Progress | None


def preview_urls(scope: TenantScope, tracks: Sequence[Track]) -> dict[UUID, str]:
    """The URLs of finished previews by the track's id, below the API's root.

    A track is missing whose product visitors do not see: it may be an item of a bundle that they see.
    """
    finished = _finished(scope, tracks)
    products = {track.product_id for track in tracks if track.id in finished}
    seen = {each for each in products if _is_published(scope, each)}
    return {
        track.id: f"products/{track.product_id}/tracks/{track.id}/preview"
        for track in tracks
        if track.id in finished and track.product_id in seen
    }


def preview_file(scope: TenantScope, track: Track, client_network: str) -> ServedFile:
    """The finished preview of a track, for a client, whose request counts.

    Args:
        scope: in no transaction. The count locks a row, so its transaction ends before a store is asked.
        track: one that visitors see.
        client_network: the network of the client.

    Raises:
        NotFound: it has none, or none yet.
        TooManyRequests: the network has asked too often.
    """
    with scope.begin() as own:
        file = _finished(own, [track]).get(track.id)
        if file is None:
            raise NotFound
        limit = RateLimit(own.settings(PLUGIN)["previews_per_address"], _PERIOD)
        count_attempt(own, [Bucket("media_mp3.preview", client_network, limit)])
    return file


def chosen_preview(scope: TenantScope, track: Track) -> ChosenPreview:
    """What visitors hear of a track, for staff."""
    choice = choices_of(scope, [track])[track.id]
    return ChosenPreview(
        choice.mode,
        choice.start_ms,
        choice.length_ms,
        _row(scope, track) is not None,
        preview_progress(scope, track, choice),
    )


def choose_preview(
    scope: TenantScope, track: Track, values: Mapping[str, Any] | None, *, actor: str
) -> ChosenPreview:
    """Choose what visitors hear of a track. The worker makes it soon after.

    Args:
        values: ``mode``, ``start_ms`` and ``length_ms``; None for what the ini file says.
        actor: the caller, for the audit trail.
    """
    locked = select(Track.id).where(Track.id == track.id).with_for_update(key_share=True)
    scope.session.execute(locked)
    row = _row(scope, track)
    before = _recorded(row)
    if values is None:
        if row is not None:
            scope.session.delete(row)
        row = None
    elif row is None:
        row = PreviewChoice(organisation_id=scope.organisation.id, track_id=track.id, **values)
        scope.session.add(row)
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.changed_at = utcnow()
    scope.session.flush()
    detail = {"product": str(track.product_id), **change(before, _recorded(row))}
    record(scope, actor=actor, action="track.preview_chosen", target=f"track:{track.id}", detail=detail)
    request_renditions(scope)
    return chosen_preview(scope, track)


def _row(scope: TenantScope, track: Track) -> PreviewChoice | None:
    return scope.session.get(PreviewChoice, (scope.organisation.id, track.id), populate_existing=True)


def _recorded(row: PreviewChoice | None) -> dict[str, Any]:
    names = ("mode", "start_ms", "length_ms")
    return {name: getattr(row, name) if row else None for name in names}


def _is_published(scope: TenantScope, product_id: UUID) -> bool:
    product = find_product(scope, product_id)
    return product is not None and product.state == _PUBLISHED


def _finished(scope: TenantScope, tracks: Sequence[Track]) -> dict[UUID, ServedFile]:
    """The finished previews that may be sent now, by the track's id."""
    choices = choices_of(scope, tracks)
    wanted: dict[UUID, Choice] = {key: each for key, each in choices.items() if each.mode != NONE}
    if not wanted:
        return {}
    statement = select(Rendition).where(
        Rendition.track_id.in_(wanted),
        Rendition.format.in_({each.key for each in wanted.values()}),
        Rendition.made.is_not(None),
    )
    return {
        row.track_id: ServedFile(row.storage_key, row.size, row.sha256, MEDIA_TYPE, row.stored_at)
        for row in scope.session.scalars(statement)
        if row.format == wanted[row.track_id].key and row.storage_key and row.size and row.sha256
    }
