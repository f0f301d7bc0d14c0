"""What tests of recordings have in common: the worker, the collector, pictures, removed tracks."""

from __future__ import annotations

import io

from PIL import Image
from sqlalchemy import text

from media_mp3.jobs import collect
from tests.unit.media_mp3 import material

DAYS = 30
"""After so many days the collector deletes what nothing refers to."""
OTHER = material.cbr(48000)


def picture(side=700, colour="red"):
    """A PNG of one colour."""
    written = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(written, "PNG")
    return written.getvalue()


def work(shop):
    """Run the worker's jobs until none is left."""
    while shop.autonomy.jobs(shop.id, with_mail=True):
        assert shop.autonomy.run_jobs(shop.id) == []


def heard_of(shop, track, name):
    """The bytes of a buyer's track in a format."""
    return shop.get(next(each["stream_url"] for each in track["formats"] if each["name"] == name)).body


def written(tmp_path, content):
    (path := tmp_path / "saved").write_bytes(content)
    return path


def visit(shop):
    """Have the collector come by."""
    with shop.autonomy.scope(shop.id) as scope:
        collect(scope)


def pass_days(shop, days):
    """Have days pass in which the collector came by, as it does every few hours."""
    with shop.autonomy.scope(shop.id) as scope:
        for table, column in (
            ("media_mp3_unreferenced_files", "since"),
            ("media_mp3_unreferenced_extras", "since"),
            ("media_mp3_tracks", "removed_at"),
            ("media_mp3_extras", "removed_at"),
            ("payments", "created_at"),
        ):
            passed = f"UPDATE {table} SET {column} = {column} - make_interval(days => :days)"
            scope.session.execute(text(passed), {"days": days})


def remove(shop, album, track):
    """Take a track out of its product."""
    shop.autonomy.app.delete(f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}", headers=shop.staff)
