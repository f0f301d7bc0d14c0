"""One contract for the ways in which a file reaches the client, through a real nginx, lighttpd and S3."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from tests.faults.installation import quiet_port
from tests.functional.media_mp3.players import Player
from tests.functional.media_mp3.shop import MUSIC, Shop, serving
from tests.functional.media_mp3.steps import picture, work
from tests.support.lighttpd import lighttpd, needs_lighttpd
from tests.support.nginx import documented, documented_location, needs_nginx, nginx
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY
from tests.unit.media_mp3.documents import PDF

pytestmark = [pytest.mark.processes, needs_nginx]

SIZE = len(MUSIC)
ETAG = f'"{hashlib.sha256(MUSIC).hexdigest()}"'
PLUGINS = ("media_mp3", "stand_ins")
MEDIA = {"formats": "mp3_v0", "previews": "excerpt"}
BY_OTHERS = ("accel", pytest.param("sendfile", marks=needs_lighttpd), "redirect")
WAYS = ("server", *BY_OTHERS)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return tmp_path_factory.mktemp("tree")


@pytest.fixture(scope="module")
def autonomy_settings(tree):
    return {
        "autonomy.files.url": f"file://{tree}",
        "autonomy.files.accel_prefix": "/_files/",
        "autonomy.files.delivery": "sendfile",
        "autonomy.trusted_proxies": "127.0.0.1",
    }


class Delivered:
    """A shop behind a proxy, and the recording that Ada has bought there.

    Args:
        organisation: the settings of its files.
    """

    def __init__(self, autonomy, api, port, organisation_id, **settings):
        sections = {"files": settings, "media_mp3": MEDIA}
        autonomy.organisation(organisation_id, plugins=PLUGINS, settings=sections)
        self.shop, self.api, self.port = Shop(autonomy, organisation_id), api, port
        self.album = self.shop.album()
        self.track = self.shop.upload(self.album, MUSIC, title="Ça va")["track"]
        self.shop.sell(self.album)
        (self.heard,) = self.shop.tracks(self.album)["items"]

    def path(self, view="stream"):
        parts = urlsplit(self.heard[f"{view}_url"])
        return f"{parts.path}?{parts.query}"

    def ask(self, *, view="stream", path=None, method="GET", port=None, follow=True, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method,
            f"http://localhost:{port or self.port}{path or self.path(view)}",
            headers={**sent, "Accept-Encoding": "identity"},
            allow_redirects=follow,
            timeout=60,
        )

    def is_handed_over(self, path, **headers):
        """Whether the application lets another server send a file, when it is asked by a proxy."""
        answer = self.ask(path=path, port=self.api, follow=False, X_Forwarded_For="203.0.113.9", **headers)
        assert answer.status_code in {200, 302}, answer.text
        return bool({"Location", "X-Accel-Redirect", "X-Sendfile"} & answer.headers.keys())

    def complete(self):
        """Give the album all that is sent as a file."""
        shop, path = self.shop, f"{self.shop.api}/admin/products/{self.album.id}"
        shop.autonomy.app.put(
            f"{path}/cover", upload_files=[("file", "cover.png", picture())], headers=shop.staff
        )
        shop.autonomy.app.post(
            f"{path}/extras", upload_files=[("file", "Booklet.pdf", PDF)], headers=shop.staff
        )
        work(shop)

    def paths(self):
        """The path of each call that answers with a file, and whether other servers may send it."""
        app, shop, album = self.shop.autonomy.app, self.shop, self.album
        album_path = f"{shop.api}/customers/products/{album.id}"
        (extra,) = app.get(f"{album_path}/extras", headers=shop.as_ada).json["items"]
        feed = app.post(f"{album_path}/feed", headers=shop.as_ada).json
        cover = urlsplit(app.get(f"{shop.api}/products/{album.id}").json["cover"]["urls"]["full"]).path
        ids = {"product": album.id, "track": self.track["id"], "extra": extra["id"], "feed": feed["id"]}
        names = {f"{name}_id": value for name, value in ids.items()} | {"format": "mp3"}
        document = app.get(f"{shop.api}/openapi.json").json
        for template, item in document["paths"].items():
            statuses = item.get("get", {}).get("responses", {}).keys()
            if "206" in statuses:
                path = cover if template.startswith("/images/") else shop.api + template.format(**names)
                query = urlsplit(feed["rss_url"]).query if template.startswith("/feeds/") else ""
                yield f"{path}?{query}", "302" in statuses
        player = Player.of(shop)
        for name in ("stream", "download"):
            yield player.url(name, id=f"tr-{self.track['id']}"), True


@pytest.fixture
def deliver(committed, s3, tree, tmp_path):
    """Make a `Delivered` for one of the `WAYS`."""
    with serving(committed.app.app) as (_, server_port), ExitStack() as proxies:

        def make(way):
            port = quiet_port()
            if way == "sendfile":
                proxy = lighttpd(tmp_path, port, server_port, tree)
            else:
                proxy = nginx(tmp_path, port, documented(port, server_port, documented_location(tree)))
            proxies.enter_context(proxy)
            own = {"url": "s3://shop/delivered", "endpoint": s3.endpoint}
            own |= {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
            settings = {"delivery": way, **(own if way == "redirect" else {})}
            return Delivered(committed, server_port, port, f"by-{way}", **settings)

        yield make


RANGES = [
    ({}, 200, 0, SIZE - 1),
    ({"Range": "bytes=0-"}, 206, 0, SIZE - 1),
    ({"Range": "bytes=0-1"}, 206, 0, 1),
    ({"Range": "bytes=1000-4999"}, 206, 1000, 4999),
    ({"Range": "bytes=-500"}, 206, SIZE - 500, SIZE - 1),
    ({"Range": f"bytes={SIZE - 1}-"}, 206, SIZE - 1, SIZE - 1),
    ({"Range": "bytes=1000-99999999"}, 206, 1000, SIZE - 1),
    ({"Range": f"bytes={SIZE}-"}, 416, None, None),
    ({"Range": "bytes=-0"}, 416, None, None),
    ({"Range": "items=0-9"}, 200, 0, SIZE - 1),
    ({"Range": "bytes=10-19", "If_Range": ETAG}, 206, 10, 19),
    ({"Range": "bytes=10-19", "If_Range": '"another"'}, 200, 0, SIZE - 1),
    ({"Range": "bytes=10-19", "If_Range": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200, 0, SIZE - 1),
    ({"If_None_Match": ETAG}, 304, None, None),
    ({"If_None_Match": '"another"'}, 200, 0, SIZE - 1),
    ({"If_Match": ETAG, "Range": "bytes=10-19"}, 206, 10, 19),
    ({"If_Match": '"another"'}, 412, None, None),
    ({"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200, 0, SIZE - 1),
    ({"If_Unmodified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412, None, None),
    ({"If_Unmodified_Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200, 0, SIZE - 1),
]
"""The headers of a request; the status of the answer, and its first and last byte."""


@pytest.mark.parametrize("way", WAYS)
def test_ranges_and_preconditions_mean_the_same(deliver, way):
    delivered = deliver(way)
    for headers, status, first, last in RANGES:
        answer = delivered.ask(**headers)
        assert answer.status_code == status, headers
        if status in {200, 206}:
            assert answer.content == MUSIC[first : last + 1], headers
            assert answer.headers["Content-Length"] == str(last - first + 1), headers
            assert answer.headers["Content-Type"] == "audio/mpeg", headers
            assert answer.headers["Content-Disposition"] == "inline", headers
        if status == 200:
            assert answer.headers["Accept-Ranges"] == "bytes", headers
        if status == 206:
            assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}", headers
        if status == 416:
            assert answer.headers["Content-Range"] == f"bytes */{SIZE}", headers
            assert answer.json()["code"] == "range_not_satisfiable"

    for unusual in ("bytes=0-9,20-29", "bytes=9-3"):
        answer = delivered.ask(Range=unusual)
        if way != "sendfile":
            assert (answer.status_code, answer.content) == (200, MUSIC), unusual
        elif answer.status_code == 206:
            # lighttpd joins near ranges, as RFC 9110 allows it (section 14.2).
            assert (answer.headers["Content-Range"], answer.content) == (f"bytes 0-29/{SIZE}", MUSIC[:30])
        else:
            assert answer.status_code in {200, 416}, unusual

    # A client names the entity tag of its first answer, which any server may have given.
    tag = delivered.ask().headers["ETag"]
    for name in ("If_Range", "If_Match"):
        part = delivered.ask(Range="bytes=10-19", **{name: tag})
        assert (part.status_code, part.content, part.headers["ETag"]) == (206, MUSIC[10:20], tag)
    assert delivered.ask(If_None_Match=tag).status_code == 304

    head = delivered.ask(method="HEAD", follow=False)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["Content-Length"], head.headers["ETag"]) == (str(SIZE), ETAG)

    saved = delivered.ask(view="download", Range="bytes=0-9").headers["Content-Disposition"]
    assert saved.startswith('attachment; filename="')
    assert saved.endswith("%C3%87a%20va.mp3")


@pytest.mark.parametrize(
    ("way", "header"),
    [("accel", "X-Accel-Redirect"), pytest.param("sendfile", "X-Sendfile", marks=needs_lighttpd)],
)
def test_a_proxy_sends_the_file_for_the_application_only(deliver, tree, way, header):
    delivered = deliver(way)
    answer = delivered.ask(Origin=f"https://by-{way}.example")

    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == f"https://by-{way}.example"
    assert {"Last-Modified", "X-Request-ID"} <= answer.headers.keys()

    handed_over = delivered.ask(port=delivered.api, X_Forwarded_For="203.0.113.9")
    assert handed_over.content == b"", "the application was not asked for the bytes"
    (file,) = (tree / "media_mp3" / "recordings" / delivered.shop.id).rglob("*.mp3")
    path = handed_over.headers[header]
    assert path == (str(file) if way == "sendfile" else f"/_files/{file.relative_to(tree)}")
    outside = requests.get(f"http://localhost:{delivered.port}{path}", timeout=60)
    assert outside.status_code == 404, "a client cannot ask for it"

    direct = delivered.ask(port=delivered.api)
    assert direct.content == MUSIC, "a client that avoids the proxy gets the file"
    assert header not in direct.headers

    file.write_bytes(MUSIC[:-1])
    truncated = delivered.ask()
    file.unlink()
    for answer in (truncated, delivered.ask()):
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


@pytest.mark.parametrize("way", BY_OTHERS)
def test_every_file_is_the_same_whichever_server_sends_it(deliver, way):
    delivered = deliver(way)
    delivered.complete()
    handed_over = []
    for path, may_be in delivered.paths():
        headers = delivered.shop.staff if "/admin/" in path else delivered.shop.as_ada
        of_application = delivered.ask(path=path, If_Match="*", **headers)
        whole = delivered.ask(path=path, **headers)
        part = delivered.ask(path=path, Range="bytes=10-19", **headers)

        assert (of_application.status_code, whole.status_code, part.status_code) == (200, 200, 206), path
        assert whole.content == of_application.content, path
        assert part.content == of_application.content[10:20], path
        for name in ("Content-Type", "Content-Disposition", "Content-Length"):
            assert whole.headers[name] == of_application.headers[name], path
        assert not {"X-Accel-Redirect", "X-Sendfile"} & whole.headers.keys(), path
        assert delivered.is_handed_over(path, **headers) == may_be, path
        handed_over.append(may_be)
    assert handed_over.count(True) >= 14
    assert handed_over.count(False) == 2, "the archive and the cover"

    path, _, form = path.partition("?")
    url, headers = f"http://localhost:{delivered.port}{path}", {"Range": "bytes=10-19"}
    by_form = requests.post(url, dict(parse_qsl(form)), headers=headers, timeout=60)
    assert (by_form.status_code, by_form.content) == (206, part.content), "a player may send a form"


def test_a_redirect_is_kept_by_no_cache_and_no_log(deliver, capfd):
    answer = (delivered := deliver("redirect")).ask(follow=False)

    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    url = answer.headers["Location"]
    assert SECRET_KEY not in url
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["900"]
    assert "/shop/delivered/media_mp3/recordings/by-redirect/" in url
    written = "".join(capfd.readouterr())
    assert "status" in written
    assert "X-Amz" not in written
    for changed in (url.replace("inline", "attachment"), url.replace("by-redirect", "by-another")):
        assert requests.get(changed, timeout=60).status_code == 403, "the store verifies the signature"
    delivered.shop.autonomy.organisation("by-redirect", plugins=PLUGINS)
    assert delivered.ask(follow=False).status_code == 503, "the store is not of this organisation any more"
