"""The plans of the searches in a large catalogue, with the statistics that PostgreSQL keeps of it."""

import re

import pytest
from sqlalchemy import Engine, NullPool, create_engine, event, make_url, text

from autonomy_core.catalog import availability, finding, query_schemas
from tests.functional.catalog.shop import Shop

MANY_ROWS = {"products", "product_terms", "product_word_trigrams"}

MANY = [
    """INSERT INTO products (organisation_id, id, title, description, kind, amount, currency, active,
           created_at, updated_at)
       SELECT :org, gen_random_uuid(), 'Piece ' || n, '', 'thing', n % 100, 'eur', true, now(), now()
       FROM generate_series(1, :many) AS n""",
    """INSERT INTO product_terms
       SELECT :org, 'title', lower(title), id FROM products WHERE organisation_id = :org""",
    """INSERT INTO product_terms
       SELECT :org, 'word', word, id
       FROM products, unnest(ARRAY['piece', 'number' || substr(title, 7), md5(title)]) AS word
       WHERE organisation_id = :org""",
    """INSERT INTO product_word_trigrams
       SELECT DISTINCT :org, substr('  ' || term || ' ', n, 3), term, length(term) + 1
       FROM product_terms, generate_series(1, 40) AS n
       WHERE organisation_id = :org AND field = 'word' AND n <= length(term) + 1""",
]


@pytest.fixture
def large_shop(committed, postgresql):
    for name in ("acme", "beacon"):
        committed.organisation(name, plugins=("stand_ins",))
        with committed.scope(name) as scope:
            for statement in MANY:
                scope.session.execute(text(statement), {"org": name, "many": 2000})
    # Only the owner may analyze: for another role PostgreSQL skips the tables, with a mere warning.
    owner = create_engine(postgresql.url(make_url(committed.database.url).database), poolclass=NullPool)
    with owner.begin() as connection:
        connection.execute(text(f"ANALYZE {', '.join(MANY_ROWS)}"))
    return Shop(committed, "acme")


def test_many_products_are_searched_by_indexes(large_shop):
    with large_shop.autonomy.scope(large_shop.id) as scope:
        for asked in (
            {"q": "number17"},
            {"q": "numbr17"},
            {"tag": "x"},
            {"artist": "x"},
            {"sort": "title"},
            {},
        ):
            query = query_schemas.ProductsQuery().load({**asked, "limit": "20"})
            seen = explained(scope, query)
            assert seen, asked
            read = {found[1] for line in seen if (found := re.search(r"Seq Scan on (\w+)", line))}
            assert not read & MANY_ROWS, (asked, seen)


def explained(scope, query):
    """The plans of the statements of a page."""
    sent = []

    def note(_connection, _cursor, statement, parameters, *_):
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        finding.page(scope, availability.on_sale(scope), query)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    connection = scope.session.connection()
    return [
        line
        for statement, parameters in sent
        for line in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()
    ]
