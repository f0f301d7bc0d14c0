"""The contenders that are this project, with the plugins that it includes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from bench.catalogue import shops
from bench.contender import Contender, over_http
from bench.database import execute
from bench.installation import install, tenant
from bench.load import HOST
from bench.server import Server

NAME = "ours"
UNCHANGED = "ours_304"
"""The clients have the answer already."""

MADE = "ours_made"
"""Every answer has to be made, because no query is like another."""

FILL = """
    WITH numbers AS (
        SELECT 'shop-' || lpad(o::text, 2, '0') AS organisation_id, p, lpad(p::text, 32, '0')::uuid AS id,
            'shop-' || lpad(o::text, 2, '0') || ' ' || lpad(p::text, 3, '0') AS title
        FROM generate_series(0, %(organisations)s - 1) o, generate_series(0, %(products)s - 1) p
    ), sold AS (
        INSERT INTO products (organisation_id, id, title, description, kind, amount, currency, active,
            created_at, updated_at)
        SELECT organisation_id, id, title, 'Recorded *live* in a lighthouse.', 'mp3', 1200, 'eur', true,
            now(), now()
        FROM numbers
    ), described AS (
        INSERT INTO product_details (organisation_id, product_id, slug, artist, label, release_date,
            released_at, preorder, credits, tags, languages, explicit)
        SELECT organisation_id, id, 'slug-' || p, 'The Harbour Band', 'Harbour Street', '2024-02-29',
            '2024-02-29', false, '[]', '{ambient,tides}', '{en}', false
        FROM numbers
    ), priced AS (
        INSERT INTO product_prices (organisation_id, product_id, currency, amount)
        SELECT organisation_id, id, 'usd', 1300 FROM numbers
    ), pictured AS (
        INSERT INTO images (organisation_id, digest, width, height, colour, size, warnings, stored_at)
        SELECT organisation_id, md5(title), 1400, 1400, '#102030', 100000, '[]', now() FROM numbers
    ), used AS (
        INSERT INTO image_uses (organisation_id, subject, subject_id, digest, set_at)
        SELECT organisation_id, 'product', id, md5(title), now() FROM numbers
    )
    INSERT INTO media_mp3_tracks (organisation_id, id, product_id, position, title, duration_ms, bitrate,
        size, sha256, storage_key, filename, peaks, created_at)
    SELECT organisation_id, id, id, 1, title, 180000, 128000, 2880000, md5(title), id::text, 'track.mp3', '',
        now()
    FROM numbers
"""


@contextmanager
def contenders(
    postgresql: EmbeddedServer, directory: Path, connections: int
) -> Iterator[tuple[Contender, ...]]:
    """Serve this project during the block, for all three ways to ask it."""
    ini = tenant("sk_test_benchmark", "whsec_benchmark")
    installation = install(postgresql, directory, NAME, connections=connections, tenant=ini)
    for number in range(shops.COUNT):
        path = installation.config.parent / "tenants" / f"{shops.organisation(number)}.ini"
        path.write_text(ini.replace(HOST, shops.host(number)), "utf-8")
    execute(installation.address, FILL, {"organisations": shops.COUNT, "products": shops.PRODUCTS})
    execute(installation.address, "ANALYZE")
    with installation.serving(connections) as server:
        yield tuple(_requesting(server, connections))


def _requesting(server: Server, connections: int) -> Iterator[Contender]:
    etags: dict[str, str] = {}

    def unchanged(number: int) -> bytes:
        return shops.request(number, **{"If-None-Match": etags[shops.organisation(number)]})

    def made(number: int) -> bytes:
        return shops.request(number, f"{shops.PATH}&max_price={1200 + number}")

    sent: dict[str, Callable[[int], bytes]] = {NAME: shops.request, UNCHANGED: unchanged, MADE: made}
    for name, request in sent.items():
        yield shops.contender(name, server.url, over_http(server, request, connections), etags)
