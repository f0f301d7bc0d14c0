"""A large catalogue, and the plans with which PostgreSQL reads it.

``python -m tests.functional.catalog.large 32 20000`` prints the plans for 32 organisations with 20,000
products each, and how long an answer takes to read.
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, NullPool, create_engine, event, text

from autonomy_core.catalog import finding, parts, query_schemas
from autonomy_core.catalog.details import product_of_slug
from autonomy_core.catalog.services import find_on_sale
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.testing.application import chosen_plugins, make_autonomy
from autonomy_core.testing.database import SwitchedDatabase, make_migrated

PLUGINS = ("media_mp3", "stand_ins")
TABLES = (
    "media_mp3_tracks",
    "product_details",
    "product_slugs",
    "product_terms",
    "product_word_trigrams",
    "products",
)

FILL = (
    """INSERT INTO products (organisation_id, id, title, description, kind, amount, currency, active,
           created_at, updated_at)
       SELECT org, gen_random_uuid(), 'Piece ' || n, '', 'mp3', n % 2000, 'eur', true, now(), now()
       FROM unnest(CAST(:orgs AS text[])) AS org, generate_series(1, :each) AS n""",
    """INSERT INTO product_details (organisation_id, product_id, slug, artist, release_date, released_at,
           preorder, tags, languages, explicit)
       SELECT organisation_id, id, 'piece-' || substr(title, 7), 'Artist ' || amount / 10,
           date '2020-01-01' + amount, timestamptz '2020-01-01' + make_interval(days => amount), false,
           ARRAY['tag' || amount % 100], ARRAY[]::text[], false
       FROM products""",
    "INSERT INTO product_slugs SELECT organisation_id, slug, product_id, now() FROM product_details",
    """INSERT INTO product_terms (organisation_id, field, term, product_id)
       SELECT p.organisation_id, field, term, p.id
       FROM products AS p
       JOIN product_details AS d ON d.organisation_id = p.organisation_id AND d.product_id = p.id,
       LATERAL (VALUES ('title', lower(title)), ('artist', lower(artist)), ('tag', tags[1]),
           ('word', 'piece'), ('word', 'number' || substr(title, 7)), ('word', substr(md5(title), 1, 6))
       ) AS found (field, term)""",
    """INSERT INTO product_word_trigrams (organisation_id, trigram, word, size)
       SELECT DISTINCT organisation_id, substr('  ' || term || ' ', n, 3), term, length(term) + 1
       FROM product_terms, generate_series(1, 40) AS n
       WHERE field = 'word' AND n <= length(term) + 1""",
    """INSERT INTO media_mp3_tracks (organisation_id, id, product_id, position, title, duration_ms, bitrate,
           size, sha256, storage_key, filename, peaks, created_at)
       SELECT organisation_id, gen_random_uuid(), id, 1, title, 1000, 320000, 1000, md5(title), md5(title),
           'a.mp3', '', now()
       FROM products""",
    f"ANALYZE {', '.join(TABLES)}",
)

LISTS = (
    {},
    {"sort": "title"},
    {"sort": "price"},
    {"sort": "-price"},
    {"sort": "-release_date"},
    {"q": "number17"},
    {"q": "numbr17"},
    {"q": "piece number17"},
    {"tag": "tag17"},
    {"artist": "Artist 17"},
    {"min_price": "100", "max_price": "200"},
)
"""The queries of the public list that have plans of their own."""


def names(count):
    """The ids of organisations. The first is not the first in an index."""
    return [f"shop-{(number + count // 3) % count:02}" for number in range(count)]


def fill(autonomy, url, organisations, each):
    """Give organisations products with all that the lists read, and statistics of them.

    Args:
        url: of the database, for its owner. Only the owner may analyze: for another role PostgreSQL skips the
            tables, with a mere warning.
        organisations: their ids. The first is in service.
        each: the number of products of each.
    """
    autonomy.organisation(organisations[0], plugins=PLUGINS)
    owner = create_engine(url, poolclass=NullPool)
    with owner.begin() as connection:
        # No trigger fires for each row.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in FILL:
            connection.execute(text(statement), {"orgs": list(organisations), "each": each})


def calls(scope):
    """Functions that read each list, a product, and its slug, by what is asked."""
    for asked in LISTS:
        query = query_schemas.ProductsQuery().load({**asked, "limit": "20"})
        yield str(asked), partial(finding.page, scope, parts.listed(scope), query)
    yield "slug", partial(product_of_slug, scope, "piece-17")
    yield "product", partial(find_on_sale, scope, product_of_slug(scope, "piece-17"))


def explained(scope, call):
    """The plans of the statements that a function sends, one line for each step, without costs."""
    sent = []

    def note(_connection, _cursor, statement, parameters, *_):
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    connection = scope.session.connection()
    lines = [
        line
        for statement, parameters in sent
        for line in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()
    ]
    return [line.split("  (cost")[0] for line in lines if "(cost" in line]


def timed(call):
    """How long a call takes, five times, in seconds."""
    for _ in range(5):
        began = time.perf_counter()
        call()
        yield time.perf_counter() - began


def main():
    count, each = (int(argument) for argument in sys.argv[1:])
    plugins = chosen_plugins()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = EmbeddedServer(data_dir=directory / "postgresql", fast=True)
        server.ensure_running()
        try:
            shared = make_migrated(server, plugins, "large")
            autonomy = make_autonomy(plugins, SwitchedDatabase(server, shared, shared), directory)
            organisations = names(count)
            fill(autonomy, server.url(shared), organisations, each)
            with autonomy.scope(organisations[0]) as scope:
                for asked, call in calls(scope):
                    lines, milliseconds = explained(scope, call), 1000 * median(timed(call))
                    print(f"{asked}: {milliseconds:.0f} ms", *lines, sep="\n    ")
            autonomy.runtime.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
