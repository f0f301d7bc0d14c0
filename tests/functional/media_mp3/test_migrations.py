"""The plugin's migrations with existing tracks."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from autonomy_core.db.base import uuid7
from autonomy_core.db.compatibility import oldest_code
from autonomy_core.db.components import read_script
from autonomy_core.db.migrations import downgrade, upgrade
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.testing.arrangement import Arrangement
from media_mp3.settings import AUDIO, RECORDINGS
from tests.support.plain_owner import owned_by_a_plain_role

PRODUCT = """
INSERT INTO products (organisation_id, id, title, description, kind, amount, currency, active,
    created_at, updated_at)
VALUES (:organisation, :product, 'A', '', 'mp3', 1, 'eur', true, now(), now())
"""
TRACK = """
INSERT INTO media_mp3_tracks (organisation_id, id, product_id, position, title, duration_ms, bitrate,
    size, sha256, storage_key, filename, peaks, created_at)
VALUES (:organisation, :track, :product, :position, 'A', 1, 1, 1, :sha256, 'k', 'f', '', '2020-01-01')
"""

CUSTOMER = """
INSERT INTO customers (organisation_id, id, email, name, created_at)
VALUES ('acme', gen_random_uuid(), 'ada@example.org', 'Ada', now()) RETURNING id
"""
PLAY = """
INSERT INTO media_mp3_plays (organisation_id, id, customer_id, track_id, played_at)
VALUES ('acme', :id, :customer, :track, :played_at)
"""


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


class TestPositions(Arrangement):
    plugin = "media_mp3"

    def test_duplicate_positions_are_renumbered_by_any_owner(self, autonomy_plugins, migrated_without_it):
        component = self.migrations(autonomy_plugins)
        upgrade(migrated_without_it, [component])
        downgrade(migrated_without_it, component, "0002")
        with migrated_without_it.begin() as connection:
            for organisation in ("acme", "beacon"):
                add(connection, organisation, 1, [1, 1, 2])
                add(connection, organisation, 2, [3, 7])
        owner = owned_by_a_plain_role(migrated_without_it)

        upgrade(owner, [component])

        with migrated_without_it.connect() as connection:
            for organisation in ("acme", "beacon"):
                found = connection.execute(
                    text(
                        "SELECT position FROM media_mp3_tracks WHERE organisation_id = :organisation "
                        "AND extract(year FROM stored_at) = 2020 ORDER BY product_id, position"
                    ),
                    {"organisation": organisation},
                )
                assert list(found.scalars()) == [1, 2, 3, 3, 7]
            forced = text("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'media_mp3_tracks'")
            assert connection.scalar(forced) is True

    def test_masters_keep_their_files_after_a_downgrade(self, autonomy_plugins, migrated_without_it):
        component = self.migrations(autonomy_plugins)
        upgrade(migrated_without_it, [component])
        names = {"a.WAV": "wav", "a.aif": "aiff", "a.flac": "flac", "a.m4a": "alac", "a.mp3": "mp3"}
        with migrated_without_it.begin() as connection:
            add(connection, "acme", 1, [*range(1, 6)])
            for position, (filename, written) in enumerate(names.items(), 1):
                suffix = ".mp3" if written == "mp3" else ".audio"
                connection.execute(
                    text(
                        "UPDATE media_mp3_tracks SET filename = :filename, format = :format, "
                        "storage_key = :key WHERE position = :position"
                    ),
                    {"filename": filename, "format": written, "key": filename + suffix, "position": position},
                )
        owner = owned_by_a_plain_role(migrated_without_it)

        downgrade(owner, component, "0004")
        upgrade(owner, [component])

        with migrated_without_it.connect() as connection:
            found = connection.execute(text("SELECT filename, format FROM media_mp3_tracks"))
            assert dict(found.all()) == names
            # The job `media_mp3.collect` removes what these queries do not give.
            mp3 = connection.execute(text(RECORDINGS.referred_to)).scalars().all()
            others = connection.execute(text(AUDIO.referred_to)).scalars().all()
            assert mp3 == ["a.mp3.mp3"]
            assert len(others) == 4

    def test_what_was_heard_before_sorts_by_when_it_was_heard(self, autonomy_plugins, migrated_without_it):
        component = self.migrations(autonomy_plugins)
        upgrade(migrated_without_it, [component])
        downgrade(migrated_without_it, component, "0015")
        times = [datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3, 1)]
        with migrated_without_it.begin() as connection:
            add(connection, "acme", 1, [1])
            customer = connection.scalar(text(CUSTOMER))
            for played_at in (*times, datetime(1950, 1, 1, tzinfo=UTC)):
                values = {"id": uuid7(), "customer": customer, "track": UUID(int=10), "played_at": played_at}
                connection.execute(text(PLAY), values)

        upgrade(owned_by_a_plain_role(migrated_without_it), [component])

        with migrated_without_it.connect() as connection:
            found = connection.execute(text("SELECT id, played_at FROM media_mp3_plays ORDER BY id")).all()
        assert [row.played_at for row in found][1:] == sorted(times)
        assert [row.id.int >> 80 for row in found][1:] == [each.timestamp() * 1000 for each in sorted(times)]


def add(connection, organisation, product, positions):
    known = {"organisation": organisation, "product": UUID(int=product)}
    connection.execute(text(PRODUCT), known)
    for number, position in enumerate(positions):
        track = {"track": UUID(int=10 * product + number), "position": position, "sha256": str(number)}
        connection.execute(text(TRACK), {**known, **track})


def test_code_that_deletes_what_was_bought_alone_may_not_run(autonomy_plugins):
    component = TestPositions().migrations(autonomy_plugins)
    assert oldest_code(read_script(component.directory), "0014") >= "0013"


def test_code_that_knows_mp3_only_may_not_run_beside_other_masters(autonomy_plugins):
    component = TestPositions().migrations(autonomy_plugins)
    assert oldest_code(read_script(component.directory), "0012") >= "0005"
