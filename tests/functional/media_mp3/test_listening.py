"""What buyers have heard, where they stopped, and the figures of staff."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from autonomy_core.operations.flushing import flush_all
from autonomy_core.plugin_api.customers import Customer, erase, export
from autonomy_core.plugin_api.errors import NotAuthenticated
from autonomy_core.plugin_api.grants import Grant
from autonomy_core.plugin_api.models import utcnow
from media_mp3.listening import services
from media_mp3.listening.memory import LISTENING
from media_mp3.listening.models import HistoryDeletion, Play
from media_mp3.personal_data import TABLES, move
from media_mp3.subsonic import dispatch, passwords
from media_mp3.subsonic.authentication import Listener
from media_mp3.subsonic.domain import Parameters, ProtocolError
from tests.functional.media_mp3.players import Player
from tests.functional.media_mp3.steps import OTHER
from tests.unit.media_mp3.documents import PDF


@pytest.fixture(autouse=True)
def _nothing_waits():
    LISTENING._waiting.clear()


@pytest.fixture
def track(shop, owned):
    return owned[1]


def report(shop, track, status=204, headers=None, **body):
    path = f"{shop.api}/customers/tracks/{track['id']}/plays"
    return shop.autonomy.app.post_json(path, body, headers=headers or shop.as_ada, status=status)


def stop(shop, track, position_ms, status=204, headers=None):
    path = f"{shop.api}/customers/tracks/{track['id']}/position"
    body = {"position_ms": position_ms}
    shop.autonomy.app.put_json(path, body, headers=headers or shop.as_ada, status=status)


def listed(shop, what, headers=None):
    return shop.autonomy.app.get(f"{shop.api}/customers/{what}", headers=headers or shop.as_ada).json["items"]


def forget(shop, headers=None):
    shop.autonomy.app.delete(f"{shop.api}/customers/history", headers=headers or shop.as_ada, status=204)


def figures(shop, album, **query):
    path = f"{shop.api}/admin/products/{album.id}/tracks/figures"
    return shop.autonomy.app.get(path, query, headers=shop.staff).json["items"]


def write(shop):
    flush_all(shop.autonomy.runtime)


def test_a_play_is_in_the_history_once_however_often_it_is_reported(shop, track):
    when = (utcnow() - timedelta(hours=1)).isoformat()
    report(shop, track, played_at=when)
    write(shop)
    report(shop, track, played_at=when)
    report(shop, track)
    assert len(listed(shop, "history")) == 1, "collected, and not written yet"
    write(shop)

    found = listed(shop, "history")
    assert [each["track"]["id"] for each in found] == [track["id"]] * 2
    assert found[0]["played_at"] > found[1]["played_at"]


def test_a_player_with_a_fast_clock_counts_a_play_once_too(shop, track):
    soon = (utcnow() + timedelta(minutes=4)).isoformat()
    for _ in range(3):
        report(shop, track, played_at=soon)
        write(shop)

    assert len(listed(shop, "history")) == 1


def test_a_play_of_the_future_or_of_long_ago_is_refused_with_limits(shop, track):
    now = utcnow()
    for played_at in (now + timedelta(minutes=10), now - timedelta(days=31), now.replace(year=1970)):
        refused = report(shop, track, status=422, played_at=played_at.isoformat()).json
        assert refused["code"] == "play_time_refused"
        for bound in ("earliest", "latest"):
            datetime.fromisoformat(refused[bound])
    report(shop, track, played_at=refused["latest"])
    write(shop)

    assert len(listed(shop, "history")) == 1


def test_a_player_of_opensubsonic_cannot_report_other_times_either(shop, track):
    player, song = Player.of(shop), f"tr-{track['id']}"
    for days in (1, -31):
        when = round((utcnow() + timedelta(days=days)).timestamp() * 1000)
        assert player.refused("scrobble", id=[song, song], time=[_now_ms(), when]) == 10
    assert player.refused("scrobble", id=song, time=10**30) == 10
    write(shop)

    assert listed(shop, "history") == []


def _now_ms():
    return round(utcnow().timestamp() * 1000)


def test_the_history_is_in_the_order_of_listening_not_of_reports(shop, track):
    hours = (2, 5, 1, 4, 3)
    for ago in hours:
        report(shop, track, played_at=(utcnow() - timedelta(hours=ago)).isoformat())
        write(shop)
    first = shop.autonomy.app.get(f"{shop.api}/customers/history?limit=3", headers=shop.as_ada).json
    report(shop, track)
    write(shop)
    path = f"{shop.api}/customers/history?limit=3&cursor={first['next']}"
    rest = shop.autonomy.app.get(path, headers=shop.as_ada).json

    heard = [each["played_at"] for each in (*first["items"], *rest["items"])]
    assert len(set(heard)) == len(hours), "a report in between moves no page"
    assert heard == sorted(heard, reverse=True)


def test_another_device_continues_where_one_stopped(shop, track):
    stop(shop, track, 400)
    stop(shop, track, 700)
    write(shop)

    (found,) = listed(shop, "positions")
    assert (found["track"]["id"], found["position_ms"]) == (track["id"], 700)
    stop(shop, track, 10**8)
    write(shop)
    (found,) = listed(shop, "positions")
    assert found["position_ms"] == found["track"]["duration_ms"], "behind the end is the end"


def test_only_the_owner_reports(shop, owned, track):
    bob = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org"))
    report(shop, track, headers=bob, status=404)
    stop(shop, track, 1, headers=bob, status=404)
    report(shop, track, headers={"X-Nobody": "1"}, status=401)

    stop(shop, track, 5)
    write(shop)
    with shop.autonomy.scope(shop.id) as scope:
        ended = {"revoked_at": utcnow(), "revoked_because": "refunded"}
        scope.session.execute(update(Grant).where(Grant.product_id == owned[0].id).values(**ended))
    assert listed(shop, "positions") == []
    assert listed(shop, "positions", bob) == []
    stop(shop, track, 1, status=404)


def test_staff_see_plays_streams_and_downloads_by_track_and_day(shop, owned, track, monkeypatch):
    album, _ = owned
    shop.get(track["stream_url"])
    shop.get(track["download_url"])
    shop.get(track["stream_url"], status=206, Range="bytes=500-")
    yesterday = utcnow() - timedelta(days=1)
    report(shop, track)
    report(shop, track, played_at=yesterday.isoformat())
    write(shop)
    shop.get(track["stream_url"])
    write(shop)

    rows = [
        {
            "track_id": track["id"],
            "day": yesterday.date().isoformat(),
            "plays": 1,
            "streams": 0,
            "downloads": 0,
        },
        {
            "track_id": track["id"],
            "day": utcnow().date().isoformat(),
            "plays": 1,
            "streams": 2,
            "downloads": 1,
        },
    ]
    assert figures(shop, album) == rows
    assert figures(shop, album, until=rows[0]["day"]) == rows[:1]
    path = f"{shop.api}/admin/products/{album.id}/tracks/figures?since=2020-01-01"
    shop.autonomy.app.get(path, headers=shop.staff, status=422)
    monkeypatch.setattr(services, "MOST_FIGURES", 1)
    path = f"{shop.api}/admin/products/{album.id}/tracks/figures"
    assert "fewer days" in shop.autonomy.app.get(path, headers=shop.staff, status=422).json["detail"]


def test_staff_see_the_title_also_of_a_track_without_any_play(shop, owned, track):
    album, _ = owned
    unheard = shop.upload(album, OTHER, title="Unheard")["track"]
    for days in (0, 1):
        report(shop, track, played_at=(utcnow() - timedelta(days=days)).isoformat())
    write(shop)

    path = f"{shop.api}/admin/products/{album.id}/tracks/figures"
    found = shop.autonomy.app.get(path, headers=shop.staff).json["tracks"]
    shown = [(each["track_id"], each["title"], each["plays"], each["streams"]) for each in found]
    assert shown == [(track["id"], track["title"], 2, 0), (unheard["id"], "Unheard", 0, 0)]


def test_a_zip_that_is_resumed_is_one_download_of_each_of_its_tracks(shop, owned):
    album, _ = owned
    shop.upload(album, OTHER)
    extra = [("file", "booklet.pdf", PDF)]
    path = f"{shop.api}/admin/products/{album.id}/extras"
    shop.autonomy.app.post(path, upload_files=extra, headers=shop.staff, status=201)
    path = f"{shop.api}/customers/products/{album.id}/archives"
    (archive,) = shop.autonomy.app.get(path, headers=shop.as_ada).json["items"]

    shop.get(archive["download_url"], status=206, Range="bytes=0-999")
    shop.get(archive["download_url"], status=206, Range="bytes=1000-")
    shop.get(archive["download_url"], method="HEAD")
    write(shop)

    found = [(row["track_id"], row["downloads"], row["streams"]) for row in figures(shop, album)]
    assert found == [(track["id"], 1, 0) for track in shop.tracks(album)["items"]]


def test_a_customer_deletes_what_was_heard_and_nothing_comes_back(shop, owned, track):
    album, _ = owned
    bob = shop.autonomy.customer(shop.id, "bob@example.org")
    shop.sell(album, bob)
    as_bob = shop.autonomy.as_customer(bob)
    for headers in (shop.as_ada, as_bob):
        report(shop, track, headers=headers)
        stop(shop, track, 300, headers=headers)
    write(shop)
    hour_ago = (utcnow() - timedelta(hours=1)).isoformat()
    report(shop, track)
    report(shop, track, played_at=(utcnow() + timedelta(minutes=4)).isoformat())
    stop(shop, track, 400)

    forget(shop)
    forget(shop)
    report(shop, track, played_at=hour_ago)
    write(shop)

    assert (listed(shop, "history"), listed(shop, "positions")) == ([], []), "also what waited in memory"
    assert len(listed(shop, "history", as_bob)) == len(listed(shop, "positions", as_bob)) == 1
    assert [row["plays"] for row in figures(shop, album)] == [2], "the figures name no customer"
    report(shop, track)
    stop(shop, track, 500)
    write(shop)
    assert len(listed(shop, "history")) == 1
    assert listed(shop, "positions")[0]["position_ms"] == 500


def test_what_could_not_be_written_is_written_later(shop, track, monkeypatch):
    report(shop, track)
    stop(shop, track, 100)
    monkeypatch.setattr("media_mp3.listening.memory._execute", lambda *_, **__: 1 / 0)
    write(shop)
    monkeypatch.undo()
    stop(shop, track, 200)
    write(shop)

    assert len(listed(shop, "history")) == 1
    assert listed(shop, "positions")[0]["position_ms"] == 200


def filled(shop, track):
    """A player with something in every table."""
    (product,) = listed(shop, "products")
    forget(shop)
    path = f"{shop.api}/customers/products/{product['id']}/feed"
    shop.autonomy.app.post(path, headers=shop.as_ada, status=201)
    player, song = Player.of(shop), f"tr-{track['id']}"
    player.ask("star", id=song)
    player.ask("createPlaylist", name="Evening", songId=song)
    player.ask("savePlayQueue", id=song)
    player.ask("scrobble", id=song)
    stop(shop, track, 100)
    write(shop)
    return player


def rows(scope, customer_id):
    return {
        model.__tablename__: len(
            scope.session.scalars(select(model).where(model.customer_id == customer_id)).all()
        )
        for model in TABLES
    }


def test_the_export_has_everything_and_an_erasure_nothing(shop, track):
    player = filled(shop, track)
    with shop.autonomy.scope(shop.id) as scope:
        assert set(rows(scope, shop.ada.id).values()) == {1}
        files = {name: content.decode() for name, content in export(scope, shop.ada.id)}
    assert json.loads(files["media_mp3/plays.json"])[0]["title"] == track["title"]
    assert json.loads(files["media_mp3/playlists.json"])[0]["track_ids"] == [track["id"]]
    assert player.made["password"] not in str(files)
    player.ask("scrobble", id=f"tr-{track['id']}")
    with shop.autonomy.scope(shop.id) as scope:
        erase(scope, shop.ada.id, actor="test")
    write(shop)
    with shop.autonomy.scope(shop.id) as scope:
        assert set(rows(scope, shop.ada.id).values()) == {0}, "also what waited in memory"
    assert player.refused("ping") == 40


def test_a_call_under_way_writes_no_row_about_an_erased_customer(shop):
    listener, parameters = Listener(shop.ada.id, "phone"), Parameters([("name", "The songs of Ada")])
    with shop.autonomy.scope(shop.id) as scope:
        erase(scope, shop.ada.id, actor="test")
    with shop.autonomy.scope(shop.id) as scope:
        for call in dispatch.WRITING:
            with pytest.raises(ProtocolError, match="not in your library"):
                dispatch.answer(scope, call, listener, parameters)
    with shop.autonomy.scope(shop.id) as scope:
        with pytest.raises(NotAuthenticated):
            passwords.create(scope, shop.ada.id, None, "The phone of Ada")
        assert set(rows(scope, shop.ada.id).values()) == {0}


def test_a_merged_customer_keeps_what_was_heard_but_no_password(shop, track):
    filled(shop, track)
    report(shop, track)
    eve = shop.autonomy.customer(shop.id, "eve@example.org")
    with shop.autonomy.scope(shop.id) as scope:
        move(scope, shop.ada.id, eve.id)
        scope.session.execute(update(Customer).where(Customer.id == shop.ada.id).values(merged_into=eve.id))
        assert set(rows(scope, shop.ada.id).values()) == {0}
        assert rows(scope, eve.id) == {
            name: int(name not in {"media_mp3_app_passwords", "media_mp3_feeds"})
            for name in rows(scope, eve.id)
        }
    write(shop)
    with shop.autonomy.scope(shop.id) as scope:
        assert len(scope.session.scalars(select(Play).where(Play.customer_id == eve.id)).all()) == 2


def test_a_merging_does_not_bring_a_deleted_history_back(shop, owned, track, monkeypatch):
    """The account has deleted its own history earlier."""
    eve = shop.autonomy.customer(shop.id, "eve@example.org")
    forget(shop, shop.autonomy.as_customer(eve))
    report(shop, track)
    forget(shop)
    with shop.autonomy.scope(shop.id) as scope:
        move(scope, shop.ada.id, eve.id)
        scope.session.execute(update(Customer).where(Customer.id == shop.ada.id).values(merged_into=eve.id))

    write(shop)

    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(Play)).all() == []


def test_the_later_of_two_deletions_stays_after_a_merging(shop, owned, track):
    eve = shop.autonomy.customer(shop.id, "eve@example.org")
    forget(shop)
    forget(shop, shop.autonomy.as_customer(eve))
    with shop.autonomy.scope(shop.id) as scope:
        before = scope.session.get_one(HistoryDeletion, (shop.id, eve.id)).deleted_at
        move(scope, shop.ada.id, eve.id)
    with shop.autonomy.scope(shop.id) as scope:
        (kept,) = scope.session.scalars(select(HistoryDeletion)).all()
        assert (kept.customer_id, kept.deleted_at) == (eve.id, before)
