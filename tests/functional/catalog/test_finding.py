"""Search, filters, orders and pages of the list of products."""

import base64
import json
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest

HOSTILE = [
    "'",
    '"',
    "\\",
    "%",
    "_",
    "a' OR 1=1 --",
    "<->",
    "!:*",
    "((((",
    "the of a",
    "🎵",
    "a" * 200,
    "٣",
    "ﬁ" * 90,
]


def found(shop, **query):
    return set(shop.listed("?" + urlencode(query)))


def walk(shop, path, headers=None, **query):
    titles, cursor = [], {}
    while cursor is not None:
        page = shop.app.get(f"{path}?{urlencode({**query, **cursor})}", headers=headers).json
        titles += [item["title"] for item in page["items"]]
        cursor = page["next"] and {"cursor": page["next"]}
    return titles


@pytest.fixture
def stocked(shop):
    shop.make("Harbour Lights", artist="Björk Ægir", tags=["ambient"], amount=500, release_date="2024-01-02")
    shop.make(
        "Slow Ferry", artist="The Harbour Band", label="Tideline", amount=900, release_date="2025-01-02"
    )
    shop.make("Étude", tags=["Piano Solo"], amount=900)
    shop.make("zebra", amount=700, currency="usd", release_date="2024-01-02")
    return shop


def test_words_and_their_beginnings_are_found(stocked):
    assert found(stocked, q="harbour") == {"Harbour Lights", "Slow Ferry"}
    assert found(stocked, q="HARB ferr") == {"Slow Ferry"}
    assert found(stocked, q="bjork") == {"Harbour Lights"}
    assert found(stocked, q="etude") == found(stocked, q="ÉTUDE") == {"Étude"}
    assert found(stocked, q="tideline") == {"Slow Ferry"}
    assert found(stocked, q="piano") == {"Étude"}
    assert found(stocked, q="harbour nothing-like-it") == set()


def test_a_misspelt_word_finds_the_similar_ones(stocked):
    assert found(stocked, q="habour") == {"Harbour Lights", "Slow Ferry"}
    assert found(stocked, q="slow fery") == {"Slow Ferry"}
    assert found(stocked, q="qqqq") == set()


def test_a_change_is_found_at_once_and_the_old_words_are_not(stocked):
    (ferry,) = (item for item in stocked.app.get(f"{stocked.api}/products?q=ferry").json["items"])
    stocked.change(ferry, title="Night Boat", artist=None)

    assert found(stocked, q="ferry") == set()
    assert found(stocked, q="boat") == {"Night Boat"}
    assert found(stocked, q="harbour") == {"Harbour Lights"}


def test_filters_narrow_the_list_together(stocked):
    assert found(stocked, tag="#Piano  solo") == {"Étude"}
    assert found(stocked, artist="bjork aegir") == {"Harbour Lights"}
    assert found(stocked, artist="bjork") == set()
    assert found(stocked, min_price=500, max_price=800) == {"Harbour Lights"}
    assert found(stocked, max_price=800, currency="usd") == {"zebra"}
    assert found(stocked, q="harbour", min_price=600) == {"Slow Ferry"}
    path = f"{stocked.api}/products"
    assert walk(stocked, path, q="harbour", sort="title", limit=1) == ["Harbour Lights", "Slow Ferry"]
    assert walk(stocked, path, q="harbour", sort="-release_date") == ["Slow Ferry", "Harbour Lights"]


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("newest", ["zebra", "Étude", "Slow Ferry", "Harbour Lights"]),
        ("title", ["Étude", "Harbour Lights", "Slow Ferry", "zebra"]),
        ("price", ["Harbour Lights", "zebra", "Slow Ferry", "Étude"]),
        ("-price", ["Étude", "Slow Ferry", "zebra", "Harbour Lights"]),
        ("-release_date", ["Slow Ferry", "zebra", "Harbour Lights", "Étude"]),
    ],
)
def test_each_order_gives_each_product_once_over_its_pages(stocked, sort, titles):
    for limit in (1, 2, 4):
        assert walk(stocked, f"{stocked.api}/products", sort=sort, limit=limit) == titles
        path = f"{stocked.api}/admin/products"
        assert walk(stocked, path, headers=stocked.staff, sort=sort, limit=limit) == titles


def test_a_change_between_two_pages_repeats_and_loses_no_other_product(stocked):
    first = stocked.app.get(f"{stocked.api}/products?sort=title&limit=2").json
    stocked.make("A new one")
    stocked.change(first["items"][1], active=False)

    rest = stocked.app.get(f"{stocked.api}/products?sort=title&limit=2&cursor={first['next']}").json

    assert [item["title"] for item in rest["items"]] == ["Slow Ferry", "zebra"]


SOME_ID = str(UUID(int=7))


def cursor_of(*content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("newest", "1"),
        ("price", SOME_ID),
        ("price", cursor_of("title", "a", SOME_ID)),
        ("price", cursor_of("price", 2**40, SOME_ID)),
        ("price", cursor_of("price", "x", SOME_ID)),
        ("price", cursor_of("price", 1, "x")),
        ("price", cursor_of("price", [], 1)),
        ("price", cursor_of({})),
        ("title", cursor_of("title", "\x00", SOME_ID)),
        ("title", cursor_of("title", "\ud800", SOME_ID)),
        ("title", cursor_of("title", 7, SOME_ID)),
        ("-release_date", cursor_of("-release_date", "2024-13-01", SOME_ID)),
        ("title", "é"),
        ("title", "[" * 2000),
        ("title", base64.urlsafe_b64encode(b"[" * 1400).decode()),
    ],
)
def test_a_wrong_cursor_is_refused(shop, sort, cursor):
    path = f"{shop.api}/products?sort={sort}&cursor={quote(cursor)}"
    assert list(shop.app.get(path, status=422).json["errors"]["query"]) == ["cursor"]


def test_hostile_searches_find_nothing_and_break_nothing(stocked):
    for hostile in HOSTILE:
        for name in ("q", "tag", "artist"):
            path = f"{stocked.api}/products?{urlencode({name: hostile})}"
            assert stocked.app.get(path, status="*").status_int in (200, 422)
    for query in (
        "q=%00",
        "q=",
        "q=" + "a" * 201,
        "tag=",
        "sort=id",
        "min_price=-1",
        "min_price=1e3",
        "currency=xxx",
    ):
        stocked.app.get(f"{stocked.api}/products?{query}", status=422)
    stocked.app.get(f"{stocked.api}/products?q=%FF", status=400)


def test_staff_filter_by_state(shop):
    shop.make("Draft", active=False)
    shop.make("Scheduled", published_at="2990-01-01T00:00:00Z")
    shop.make("Published")
    shop.change(shop.make("Archived"), archived=True)

    for title in ("Draft", "Scheduled", "Published", "Archived"):
        path = f"{shop.api}/admin/products"
        assert walk(shop, path, headers=shop.staff, state=title.lower()) == [title]


def test_another_organisation_finds_nothing(make_shop):
    one, other = make_shop(), make_shop("beacon")
    one.make("Harbour Lights", tags=["ambient"])

    for query in ({"q": "harbour"}, {"q": "habour"}, {"tag": "ambient"}):
        assert found(one, **query) == {"Harbour Lights"}
        assert found(other, **query) == set()
