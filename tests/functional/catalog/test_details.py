"""What people read about a product, and its names in URLs."""

from html.parser import HTMLParser
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.catalog.descriptions import ELEMENTS, REL
from autonomy_core.catalog.models import ProductDetails, ProductSlug
from autonomy_core.jobs.running import run_job

DETAILS = {
    "artist": "The Harbour Band",
    "label": "Harbour Street",
    "release_date": "2024-02-29",
    "credits": [{"role": "Mixing", "name": "Ada"}, {"role": "Mixing", "name": "Grace"}],
    "tags": ["ambient", "drum & bass"],
    "upc": "4006381333931",
    "languages": ["de-AT", "en"],
    "explicit": True,
}


def test_visitors_read_what_staff_have_written(shop):
    made = shop.make(description="*Loud*", **DETAILS)

    seen = shop.get(made["id"]).json

    assert {name: seen[name] for name in DETAILS} == DETAILS
    assert seen["description"] == "*Loud*"
    assert seen["description_html"] == "<p><em>Loud</em></p>"
    assert (seen["slug"], seen["purchasable"], seen["available_at"]) == ("first-light", True, None)
    (listed,) = shop.app.get(f"{shop.api}/products").json["items"]
    assert listed["tags"] == DETAILS["tags"]
    assert "credits" not in listed

    changed = shop.change(made, artist=None, tags=[], explicit=False)
    assert (changed["artist"], changed["tags"], changed["explicit"]) == (None, [], False)
    assert changed["label"] == "Harbour Street"
    with shop.autonomy.scope(shop.id) as scope:
        newest = scope.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert newest.detail["before"]["artist"] == "The Harbour Band"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "First"),
        ("slug", "a--b"),
        ("slug", ""),
        ("slug", "a" * 101),
        ("slug", "0190a6b0-0000-7000-8000-000000000000"),
        ("upc", "4006381333930"),
        ("upc", "123"),
        ("upc", "٤٠٠٦٣٨١٣٣٣٩٣١"),
        ("languages", ["xx-klingon"]),
        ("tags", ["#"]),
        ("tags", ["a\x00b"]),
        ("tags", [str(number) for number in range(21)]),
        ("release_date", "2023-02-29"),
        ("published_at", "2030-01-01T00:00:00"),
        ("credits", [{"role": "Mixing"}]),
        ("credits", [{"role": "Mixing", "name": "Ada", "wage": 1}]),
        ("explicit", "yes"),
        ("preorder", None),
    ],
)
def test_a_wrong_detail_is_refused_by_its_name(shop, field, value):
    refused = shop.make(status=422, **{field: value})

    ((name, told),) = refused["errors"]["body"].items()
    assert (name, len(told)) == (field, 1)
    assert shop.listed() == []


def test_tags_and_languages_have_one_spelling_each(shop):
    made = shop.make(tags=["#Ambient", " ambient ", "Drum  &  Bass"], languages=["DE-at", "de-AT"])

    assert (made["tags"], made["languages"]) == (["ambient", "drum & bass"], ["de-AT"])


def test_products_of_one_title_get_different_slugs(shop):
    slugs = [shop.make("Één  Café \u2014 Tour\u2019s End!")["slug"] for _ in range(11)]

    assert slugs[:2] == ["een-cafe-tours-end", "een-cafe-tours-end-2"]
    assert len(set(slugs)) == len(slugs)
    assert shop.make("音楽")["slug"] == "release"


def test_a_product_is_found_by_its_slug_and_an_old_one_leads_to_it(shop):
    made = shop.make(slug="first")
    shop.change(made, slug="second")
    shop.change(made, slug="third")

    assert shop.get("third").json["id"] == made["id"]
    for old in ("first", "second"):
        moved = shop.get(old, status=308)
        assert moved.location == f"http://localhost{shop.api}/products/third"
    assert shop.app.head(f"{shop.api}/products/first", status=308).location.endswith("/products/third")

    assert shop.make(slug="first", status=409)["code"] == "slug_taken"
    assert shop.change(made, slug="first")["slug"] == "first"
    assert shop.get("third", status=308).location.endswith("/products/first")
    shop.change(made, active=False)
    shop.get("first", status=404)
    shop.get("third", status=404)
    for odd in ("First", "first-", "unknown", "%00", "a" * 3000):
        shop.get(odd, status=404)


def test_slugs_of_organisations_are_apart(make_shop):
    one, other = make_shop(), make_shop("beacon")
    mine, theirs = one.make(slug="same"), other.make(slug="same")

    assert (one.get("same").json["id"], other.get("same").json["id"]) == (mine["id"], theirs["id"])
    one.make(slug="mine")
    other.get("mine", status=404)


def test_a_visitor_buys_by_the_slug(shop):
    shop.make(slug="first")
    body = {"email": "grace@example.org"}

    shop.app.post_json(f"{shop.api}/products/first/purchase", body, status=201)


def test_a_product_that_an_older_server_made_gets_its_details_by_a_job(shop):
    made = shop.make()
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(ProductDetails).where(ProductDetails.product_id == UUID(made["id"])))
        scope.session.execute(delete(ProductSlug).where(ProductSlug.product_id == UUID(made["id"])))
    bare = shop.get(made["id"]).json
    assert (bare["slug"], bare["tags"], bare["purchasable"]) == (None, [], True)
    shop.buy(made)

    (complete,) = (job for job in shop.autonomy.runtime.jobs if job.name == "catalog.complete")
    run_job(shop.autonomy.runtime, complete, shop.id, {})

    assert shop.get("first-light").json["id"] == made["id"]


class Elements(HTMLParser):
    """Collects what a browser would see in a page."""

    def __init__(self, html):
        super().__init__()
        self.found, self.attributes = set(), []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.add(tag)
        self.attributes += attributes

    def handle_comment(self, data):
        self.found.add("a comment")

    def handle_decl(self, data):
        self.found.add("a declaration")


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- --><!doctype html>",
    "[a](javascript:alert(1)) [b](JAVASCRIPT&#58;alert(1)) [c](java&Tab;script:x) [d](data:text/html,x)",
    "<javascript:alert(1)> [e](vbscript:x) [f](//evil.example) [g](/admin) [h](file:///etc/passwd)",
    "[x]: javascript:alert(1)\n[x] [y]: https://a.example 'onclick=alert(1)'",
    '[x](https://a.example/"onmouseover="alert(1) "t\\" onclick=x")',
    "![x](https://a.example/x.png) ![y](javascript:x)",
    '```js" onload="x\n<b>\n```',
    "| a |\n|:-:|\n| <u>x</u> |\n\n# One\n###### Six\n> quote\n\n1. a\n- b\n\n---\n`c` **d**  \ne",
    "[" * 2500 + "]" * 2500,
    "*" * 5000,
    "> " * 2499 + "x",
    "[a](" * 1250,
    "`" * 2499 + "a" + "`" * 2500,
    "<" * 5000,
    "&" * 5000,
    "| a " * 1000 + "\n" + "|-" * 400,
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_description_has_no_other_html_than_the_allowed(shop, source):
    made = shop.make(description=source)

    page = Elements(made["description_html"])

    assert page.found <= ELEMENTS
    for name, value in page.attributes:
        if name == "href":
            assert value.startswith(("https://", "http://", "mailto:"))
        else:
            assert (name, value) in {("rel", REL), ("start", "3")}
    assert made["description"] == source


def test_a_link_of_a_description_leads_to_a_page_or_a_mailbox(shop):
    source = "[page](https://a.example/?a=1&b=2) and [mail](mailto:a@b.example)"

    html = shop.make(description=source)["description_html"]

    assert f'<a href="https://a.example/?a=1&amp;b=2" rel="{REL}">page</a>' in html
    assert '<a href="mailto:a@b.example"' in html
