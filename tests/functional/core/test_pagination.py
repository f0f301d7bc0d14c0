"""Lists: newest first, a part at a time, each item once."""

import pytest


@pytest.fixture
def seven(acme):
    return [str(acme.product(title=f"Thing {number}").id) for number in range(7)][::-1]


def walk(acme, limit):
    cursor = ""
    while cursor is not None:
        page = acme.app.get(f"/acme/api/v1/products?limit={limit}{cursor and f'&cursor={cursor}'}").json
        yield [item["id"] for item in page["items"]]
        cursor = page["next"]


@pytest.mark.parametrize("limit", [1, 3, 6, 7, 8])
def test_following_next_gives_each_item_once_in_order(acme, seven, limit):
    pages = list(walk(acme, limit))
    assert [item for page in pages for item in page] == seven
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1]


def test_a_new_item_does_not_shift_the_pages(acme, seven):
    pages = walk(acme, 3)
    first = next(pages)
    acme.product(title="Newer")
    assert first + [item for page in pages for item in page] == seven


def test_a_cursor_of_a_deleted_item_stays_valid(acme, seven):
    with acme.scope() as scope:
        from uuid import UUID

        from autonomy_core.catalog.services import find_product

        find_product(scope, UUID(seven[2])).active = False
    page = acme.app.get(f"/acme/api/v1/products?cursor={seven[2]}").json
    assert [item["id"] for item in page["items"]] == seven[3:]


def test_an_empty_list_has_no_next(acme):
    assert acme.app.get("/acme/api/v1/products").json == {"items": [], "next": None}
