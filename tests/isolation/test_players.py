"""Players: an app password opens the library of its organisation, and nothing of another."""

from __future__ import annotations

from media_mp3.subsonic.dispatch import ANSWERS, FILES
from tests.isolation.sides import Side, World
from tests.isolation.tables import content_of


def ask(world: World, at: Side, by: Side, call: str, about: Side, *, host: str = "") -> bytes:
    """Call with the API key of one organisation, about things of another."""
    things = {
        "id": f"tr-{about.identifiers['track_id']}",
        "songId": f"tr-{about.identifiers['track_id']}",
        "albumId": f"al-{about.identifiers['product_id']}",
        "name": "a name",
        "type": "newest",
        "rating": "3",
    }
    path, headers = (f"/rest/{call}", {"Host": host}) if host else (f"/{at.id}/rest/{call}", {})
    parameters = {**things, "apiKey": by.credentials["player"], "f": "json"}
    return world.autonomy.app.get(path, parameters, headers=headers, expect_errors=True).body


def test_a_players_key_opens_nothing_of_another_organisation(world: World) -> None:
    for here, there in ((world.one, world.other), (world.other, world.one)):
        before = content_of(world.runtime, there)
        for host in ("", there.host):
            with world.undone():
                answer = ask(world, there, here, "getSong", there, host=host)
            assert b'"code": 44' in answer
        for call in sorted({*ANSWERS, *FILES}):
            with world.undone():
                answer = ask(world, here, here, call, there)
                assert content_of(world.runtime, there) == before, call
            assert there.marker.encode() not in answer, call
            asked = answer.replace(there.identifiers["track_id"].encode(), b"")
            assert there.identifiers["product_id"].encode() not in asked, call
        own = ask(world, here, here, "getSong", here)
        assert here.marker.encode() in own, "its own song is found"
