"""The plans of the searches in a large catalogue, with the statistics that PostgreSQL keeps of it."""

import re

import pytest
from sqlalchemy import make_url

from tests.functional.catalog import large

ORGANISATIONS, PRODUCTS = 64, 200
"""As few as have the plans of 32 organisations with 20,000 products, as far as this test looks at them."""


@pytest.fixture
def scope(committed, postgresql):
    """The scope of an organisation among many."""
    url = postgresql.url(make_url(committed.database.url).database)
    names = large.names(ORGANISATIONS)
    large.fill(committed, url, names, PRODUCTS)
    with committed.scope(names[0]) as scope:
        yield scope


def test_many_products_are_searched_by_indexes(scope):
    plans = {asked: large.explained(scope, call) for asked, call in large.calls(scope)}
    for asked, lines in plans.items():
        assert lines, asked
        read = {found[1] for line in lines if (found := re.search(r"Seq Scan on (\w+)", line))}
        assert not read & set(large.TABLES), (asked, lines)
    for sort in ("price", "-price"):
        lines = plans[str({"sort": sort})]
        above = next(at for at, line in enumerate(lines) if "on products" in line)
        assert "ix_products_organisation_id_amount_id" in lines[above], lines
        assert "Sort" not in "".join(lines[:above]), "the first products are read, and no others"
