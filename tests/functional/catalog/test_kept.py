"""The public catalogue is answered from memory, and never with what was true before a write."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from PIL import Image
from sqlalchemy import select, text
from webob import Request

from autonomy_core.catalog import availability, models
from autonomy_core.catalog.kept import answering
from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.listing import ListedTrack
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins
from tests.functional.catalog.shop import Shop
from tests.functional.media_mp3.shop import MUSIC

pytestmark = pytest.mark.concurrent

OWN_PAGE = {"Origin": "https://acme.example"}


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


@pytest.fixture
def make_shop(committed):
    def make(organisation_id="acme", **settings):
        committed.organisation(organisation_id, plugins=("media_mp3", "stand_ins"), **settings)
        return Shop(committed, organisation_id)

    return make


@pytest.fixture
def made(monkeypatch):
    """The paths of the answers that were made, each time."""
    paths = []
    make = answering.Keeper._make

    def making(self, request, *arguments):
        paths.append(request.path)
        return make(self, request, *arguments)

    monkeypatch.setattr(answering.Keeper, "_make", making)
    return paths


def asked(shop, name="", **headers):
    given = {each.replace("_", "-"): value for each, value in headers.items()}
    return shop.app.get(f"{shop.api}/products{name}", headers=given, status="*")


def picture():
    written = io.BytesIO()
    Image.new("RGB", (300, 300)).save(written, "PNG")
    return written.getvalue()


def writes(shop, album, bundle):
    """Calls of staff, each of which changes what visitors see."""
    of_album = f"{shop.api}/admin/products/{album['id']}"
    staff = {"headers": shop.staff}
    yield (
        "track",
        lambda: shop.app.post(
            f"{of_album}/tracks", {}, upload_files=[("file", "song.mp3", MUSIC, "audio/mpeg")], **staff
        ),
    )
    yield "title", lambda: shop.change(album, title="Second Light")
    yield "price", lambda: shop.change(album, amount=1000)
    yield "further price", lambda: shop.change(album, other_prices=[{"currency": "usd", "amount": 1200}])
    yield "chosen price", lambda: shop.change(album, pay_what_you_want=True)
    yield "tags", lambda: shop.change(album, tags=["ambient"])
    yield "slug", lambda: shop.change(album, slug="second")
    yield (
        "cover",
        lambda: shop.app.put(
            f"{of_album}/cover", {}, upload_files=[("file", "cover.png", picture(), "image/png")], **staff
        ),
    )
    yield "alt", lambda: shop.app.patch_json(f"{of_album}/cover", {"alt": "A lamp"}, **staff)
    yield "no cover", lambda: shop.app.delete(f"{of_album}/cover", **staff)
    yield "bundle", lambda: shop.change(bundle, item_ids=[album["id"]])
    yield "archive", lambda: shop.change(bundle, archived=True)
    yield "draft", lambda: shop.change(album, active=False)


def test_every_write_of_staff_is_seen_at_once(make_shop):
    shop = make_shop()
    album = shop.make("Album", kind="mp3")
    thing = shop.make("Thing")
    bundle = shop.make("Bundle", kind="bundle", item_ids=[thing["id"]])
    lists = ("", "?sort=title", "?tag=ambient", f"/{album['id']}", f"/{bundle['id']}")
    for what, write in writes(shop, album, bundle):
        before = [asked(shop, name).headers.get("ETag") for name in lists]
        write()
        after = [asked(shop, name) for name in lists]
        fresh = [asked(shop, f"{name}{'&' if '?' in name else '?'}limit=20") for name in lists[:3]]
        assert [each.headers.get("ETag") for each in after] != before, what
        assert [each.json for each in after[:3]] == [each.json for each in fresh], what
    assert [item["title"] for item in asked(shop).json["items"]] == ["Thing"]
    assert asked(shop, f"/{album['id']}").status_int == 404


def test_an_answer_is_made_once_for_all_who_ask(make_shop, made):
    shop = make_shop()
    product = shop.make()
    paths = [f"{shop.api}/products", f"{shop.api}/products/{product['id']}"]

    def ask(path):
        answer = Request.blank(path, headers={"Host": "localhost"}).get_response(shop.app.app)
        return answer.headers["ETag"], answer.body

    with ThreadPoolExecutor(8) as pool:
        first, second = ({*pool.map(ask, [path] * 12)} for path in paths)
    assert (len(first), len(second)) == (1, 1)
    assert made == paths

    shop.change(product, title="Another")
    assert {ask(paths[0])} != first
    assert made == [*paths, paths[0]]


def test_a_write_that_is_undone_changes_nothing(make_shop, made):
    shop = make_shop()
    shop.make()
    before = asked(shop)
    with pytest.raises(ZeroDivisionError), shop.autonomy.scope() as scope:
        scope.session.scalars(select(Product)).one().title = "Never"
        scope.session.flush()
        _ = 1 / 0
    assert asked(shop).body == before.body
    assert len(made) == 1


def test_writers_of_one_shop_do_not_wait_for_each_other(make_shop):
    shop = make_shop()
    first, second = shop.make("First"), shop.make("Second")
    with shop.autonomy.scope() as scope:
        scope.session.get(Product, (shop.id, first["id"])).title = "Third"
        scope.session.flush()
        assert shop.change(second, title="Fourth")["title"] == "Fourth"
        assert {*shop.listed()} == {"First", "Fourth"}
    assert {*shop.listed()} == {"Third", "Fourth"}


def test_sql_text_and_deletions_count_as_well(make_shop):
    shop = make_shop()
    shop.make("First")
    assert shop.listed() == ["First"]
    with shop.autonomy.scope() as scope:
        scope.session.execute(text("UPDATE products SET title = 'Text'"))
    assert shop.listed() == ["Text"]
    with shop.autonomy.scope() as scope:
        scope.session.execute(text("DELETE FROM product_details"))
    assert asked(shop).json["items"][0]["slug"] is None


def test_what_a_client_has_is_not_sent_again(make_shop):
    shop = make_shop()
    shop.make()
    whole = asked(shop, **OWN_PAGE)
    etag = whole.headers["ETag"]
    assert etag.startswith('"')
    assert whole.headers["Cache-Control"] == "public, no-cache"
    for condition in (etag, f"W/{etag}", "*", f'"other", {etag}', f'W/"other",W/{etag}'):
        again = asked(shop, If_None_Match=condition, **OWN_PAGE)
        assert (again.status_int, again.body) == (304, b""), condition
        passing = {"Content-Type", "Content-Length", "X-Request-ID"}
        expected = {name: value for name, value in whole.headers.items() if name not in passing}
        assert {name: value for name, value in again.headers.items() if name not in passing} == expected
    assert expected["Vary"] == "Origin"
    assert expected["Access-Control-Allow-Origin"] == OWN_PAGE["Origin"]
    for condition in ('"other"', "nonsense", f"{etag} x", ""):
        assert asked(shop, If_None_Match=condition).body == whole.body, condition
    assert asked(shop, If_Match='"other"').json["code"] == "precondition_failed"
    assert asked(shop, If_Match=f"{etag}", If_Modified_Since="never").body == whole.body
    head = shop.app.head(f"{shop.api}/products")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(whole.body)))
    assert shop.app.head(f"{shop.api}/products", headers={"If-None-Match": etag}).status_int == 304


def test_a_kept_answer_is_logged_and_counted_like_another(make_shop):
    shop = make_shop()
    shop.make()

    def counted():
        page = shop.app.get("/metrics", extra_environ={"REMOTE_ADDR": "127.0.0.1"}).text
        lines = [line for line in page.splitlines() if line.startswith("autonomy_http_requests_total")]
        return sum(float(line.split()[-1]) for line in lines if 'resource="Products",status="200"' in line)

    before = counted()
    assert len({asked(shop).headers["X-Request-ID"] for _ in range(3)}) == 3
    assert counted() == before + 3


def test_time_changes_the_catalogue_without_a_write(make_shop, monkeypatch):
    shop = make_shop()
    moment = utcnow() + timedelta(hours=1)
    shop.make("Scheduled", published_at=moment.isoformat())
    announced = shop.make("Announced", release_date="2990-01-01")

    def at(now):
        for module in (availability, models, answering):
            monkeypatch.setattr(module, "utcnow", lambda: now)
        return shop.listed(), asked(shop, f"/{announced['id']}").json["purchasable"]

    assert at(moment - timedelta(seconds=1)) == (["Announced"], False)
    assert at(moment) == (["Announced", "Scheduled"], False)
    assert at(moment + timedelta(days=365_000)) == (["Announced", "Scheduled"], True)


def test_no_answer_is_given_to_another_shop_host_or_query(make_shop, made):
    acme, other = make_shop(), make_shop("other")
    acme.make("Of acme")
    other.make("Of the other", active=False)
    for _ in range(2):
        assert (acme.listed(), other.listed()) == (["Of acme"], [])
        assert acme.listed("?q=nothing") == []
        for host in ("acme.example", "acme.example:8080"):
            answer = acme.app.get("/api/v1/products", headers={"Host": host})
            assert answer.json["items"][0]["cover"]["urls"]["full"].startswith(f"http://{host}/")
        assert (
            acme.app.get("/api/v1/products", headers={"Host": ","}, status=400).json["code"]
            == "malformed_request"
        )
        staff = acme.app.get(f"{other.api}/admin/products", headers=other.staff)
        assert [item["title"] for item in staff.json["items"]] == ["Of the other"]
    # The search for an unknown word reads trigrams, which are not of the catalogue, and is made each time.
    assert len(made) == 4 + 2


def test_the_ini_file_counts(make_shop):
    shop = make_shop()
    shop.make()
    assert shop.listed("?max_price=900") == ["First Light"]
    shop.autonomy.organisation("acme", plugins=("media_mp3", "stand_ins"), currency="usd")
    assert shop.listed("?max_price=900") == []
    shop.autonomy.organisation("acme", plugins=("media_mp3",))
    assert shop.listed() == []


def test_a_kind_that_reads_another_table_is_asked_each_time(make_shop, monkeypatch, made):
    shop = make_shop()
    product = shop.make()

    def tracks_of(self, scope, product_ids):
        name = scope.session.scalars(select(Customer.name)).one()
        track = ListedTrack(id=product_ids[0], title=name, artist=None, duration_ms=1, disc=1, number=1)
        return {product_ids[0]: [track]}

    monkeypatch.setattr(stand_ins.Thing, "tracks_of", tracks_of, raising=False)
    for name in ("Ada", "Grace"):
        with shop.autonomy.scope() as scope:
            scope.session.scalars(select(Customer)).one().name = name
        assert shop.get(product["id"]).json["tracks"][0]["title"] == name
    asked(shop, f"/{product['id']}", If_None_Match=shop.get(product["id"]).headers["ETag"])
    assert len(made) == 4


def test_answers_that_are_not_kept_are_made_at_once(make_shop, monkeypatch):
    shop = make_shop()
    shop.make()
    both = Barrier(2, timeout=5)
    make = answering.Keeper._make

    def together(self, request, *arguments):
        both.wait()
        return make(self, request, *arguments)

    def ask(_):
        request = Request.blank(f"{shop.api}/products?q=nothing", headers={"Host": "localhost"})
        return request.get_response(shop.app.app).status_int

    assert ask(0) == 200
    monkeypatch.setattr(answering.Keeper, "_make", together)
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(ask, range(2))] == [200, 200]


def test_an_answer_of_before_a_write_is_not_kept_for_after_it(make_shop, monkeypatch):
    shop = make_shop()
    product = shop.make("Before")
    reads, wrote = Event(), Event()
    make = answering.Keeper._make

    def slowly(self, request, *arguments):
        reads.set()
        assert wrote.wait(60)
        return make(self, request, *arguments)

    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patched:
        patched.setattr(answering.Keeper, "_make", slowly)
        request = Request.blank(f"{shop.api}/products", headers={"Host": "localhost"})
        slow = pool.submit(request.get_response, shop.app.app)
        assert reads.wait(60)
        shop.change(product, title="After")
        wrote.set()
        assert json.loads(slow.result().body)["items"][0]["title"] == "After"
    shop.change(product, title="Later")
    assert shop.listed() == ["Later"]
