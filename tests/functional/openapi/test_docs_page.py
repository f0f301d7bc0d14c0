"""The page that shows the description: Swagger UI, all of it from our own host."""

import re
import shutil
import subprocess

import pytest

from tests.functional.openapi.serving import served

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    # Virtual: the page gets these milliseconds as fast as it uses them.
    "--virtual-time-budget=10000",
    "--dump-dom",
]


@pytest.fixture
def page(autonomy):
    autonomy.organisation(hosts=("shop.example",))
    return autonomy.app.get("/acme/api/v1/docs")


def assets_of(page):
    return re.findall(r'(?:src|href)="([^"]+)"', page.text)


def test_the_page_declares_its_encoding(page):
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_page_has_a_strict_content_security_policy(page):
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)", page.text)
    assert not re.search(r"https?://", page.text)


def test_every_reference_of_the_page_exists_and_is_utf_8(autonomy, page):
    scripts_and_styles = [path for path in assets_of(page) if path.startswith("/static/")]
    assert len(scripts_and_styles) == 3
    for path in scripts_and_styles:
        asset = autonomy.app.get(path)
        assert asset.charset.lower() == "utf-8"
        assert asset.headers["Cache-Control"] == "max-age=3600"


def test_the_page_loads_the_description_by_the_same_host_or_path(autonomy, page):
    assert 'data-description="/acme/api/v1/openapi.json"' in page.text
    by_host = autonomy.app.get("/api/v1/docs", headers={"Host": "shop.example"})
    assert 'data-description="/api/v1/openapi.json"' in by_host.text


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("http://localhost/acme/api/v1", "http://localhost/acme/api/v1/docs"),
        ("http://localhost/acme/api/v1/", "http://localhost/acme/api/v1/docs"),
        ("http://acme.example/api/v1", "http://acme.example/api/v1/docs"),
    ],
)
def test_the_api_root_redirects_to_the_page(autonomy, address, page):
    autonomy.organisation(hosts=("acme.example",))
    assert autonomy.app.get(address, status=303).headers["Location"] == page


def test_a_missing_file_is_a_problem(autonomy):
    answer = autonomy.app.get("/static/swagger-ui/nothing.js", status=404)
    assert answer.content_type == "application/problem+json"


def test_an_organisation_s_name_is_text_on_the_page(autonomy):
    autonomy.organisation("a-b")
    organisation = autonomy.get_organisation("a-b")
    path = organisation.source
    path.write_text(path.read_text("utf-8").replace(organisation.name, "<script>1</script> & Co"), "utf-8")
    autonomy.runtime.tenants.reload()
    assert "&lt;script&gt;1&lt;/script&gt; &amp; Co API" in autonomy.app.get("/a-b/api/v1/docs").text


@pytest.mark.processes
@pytest.mark.skipif(
    BROWSER is None, reason="needs chromium on the PATH, to look at the page as a browser does"
)
def test_a_browser_shows_every_call_without_errors(autonomy, tmp_path):
    autonomy.organisation()
    document = autonomy.app.get("/acme/api/v1/openapi.json").json
    with served(autonomy.app.app) as address:
        shown = subprocess.run(
            [BROWSER, *FLAGS, f"--user-data-dir={tmp_path}", f"{address}/acme/api/v1/docs"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    paths = set(re.findall(r'opblock-summary-path" data-path="([^"]+)"', shown.stdout))
    assert paths == set(document["paths"])
    assert [line for line in shown.stderr.splitlines() if "CONSOLE" in line] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Modified-Since": "Mon, 01 Jan 99999 00:00:00 GMT"},
        {"If-Modified-Since": "Thu, 1 Jan 1970 00:00:00 +99999999999999999999"},
        {"If-Range": '"', "Range": "bytes=--1"},
        {"Range": f"bytes=0-{'9' * 5000}"},
    ],
    ids=str,
)
def test_a_malformed_condition_is_ignored(autonomy, page, headers):
    for path in ["/acme/api/v1/openapi.json", *assets_of(page)[-2:]]:
        assert autonomy.app.get(path, headers=headers, status=200).body


def test_a_file_that_the_browser_has_is_not_sent_again(autonomy, page):
    path = assets_of(page)[-1]
    when = autonomy.app.get(path).headers["Last-Modified"]
    autonomy.app.get(path, headers={"If-Modified-Since": when}, status=304)


def test_a_file_allows_get_and_head_only(autonomy, page):
    path = assets_of(page)[-1]
    autonomy.app.head(path)
    autonomy.app.post(path, status=404)
