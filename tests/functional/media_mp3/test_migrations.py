"""What the plugin's migrations make of tracks that are there already."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from autonomy_core.db.migrations import downgrade, upgrade
from autonomy_core.testing.arrangement import Arrangement
from tests.functional.media_mp3.conftest import chosen_plugins
from tests.plain_owner import owned_by_a_plain_role

PRODUCT = """
INSERT INTO products (organisation_id, id, title, description, kind, amount, currency, active, created_at, updated_at)
VALUES (:organisation, :product, 'A', '', 'mp3', 1, 'eur', true, now(), now())
"""
TRACK = """
INSERT INTO media_mp3_tracks (organisation_id, id, product_id, position, title, duration_ms, bitrate, size, sha256,
    storage_key, filename, peaks, created_at)
VALUES (:organisation, :track, :product, :position, 'A', 1, 1, 1, :sha256, 'k', 'f', '', '2020-01-01')
"""


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


class TestPositions(Arrangement):
    plugin = "media_mp3"

    def test_positions_that_were_taken_twice_are_numbered_anew_also_by_an_owner_whom_policies_bind(
        self, autonomy_plugins, migrated_without_it
    ):
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


def add(connection, organisation, product, positions):
    known = {"organisation": organisation, "product": UUID(int=product)}
    connection.execute(text(PRODUCT), known)
    for number, position in enumerate(positions):
        track = {"track": UUID(int=10 * product + number), "position": position, "sha256": str(number)}
        connection.execute(text(TRACK), {**known, **track})
