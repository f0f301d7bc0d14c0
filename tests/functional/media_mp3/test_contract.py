from __future__ import annotations

from autonomy_core.testing.contract import PluginContract
from media_mp3.models import Track


class TestContract(PluginContract):
    plugin = "media_mp3"
    settings = {"link_minutes": "45", "max_upload_mb": "100"}

    def sold_product(self, autonomy, organisation_id):
        album = autonomy.product(organisation_id, kind="mp3")
        with autonomy.scope(organisation_id) as scope:
            scope.session.add(track_of(album))
        return album


def track_of(album):
    return Track(
        organisation_id=album.organisation_id,
        product_id=album.id,
        position=1,
        title="A track",
        duration_ms=1000,
        bitrate=128_000,
        size=1,
        sha256="0" * 64,
        storage_key=f"{album.organisation_id}/00/{'0' * 64}.mp3",
        filename="a.mp3",
        peaks=b"",
    )
