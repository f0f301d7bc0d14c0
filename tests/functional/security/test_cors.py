import pytest

PRODUCTS = "/acme/api/v1/products"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(autouse=True)
def shops(autonomy):
    autonomy.organisation("acme", hosts=("acme.example", "localhost"))
    autonomy.organisation("other")


@pytest.mark.parametrize("origin", ["https://acme.example", "http://localhost:5173"])
def test_a_page_on_the_organisations_host_may_read_the_answer(autonomy, origin):
    answer = autonomy.app.get(PRODUCTS, headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "page", ["localhost:5173", "127.0.0.1:3000", "[::1]:8080", "localhost", "shop.localhost:5173"]
)
@pytest.mark.parametrize("api", ["127.0.0.1:6543", "[::1]:6543", "shop.localhost:6543"])
@pytest.mark.parametrize("shop", ["acme", "other"])
def test_a_localhost_page_may_call_a_localhost_api(autonomy, shop, api, page):
    headers = {"Origin": f"http://{page}", "Host": api}
    answer = autonomy.app.get(f"/{shop}/api/v1/products", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == f"http://{page}"


@pytest.mark.parametrize(
    ("page", "api"),
    [
        ("localhost:5173", "shop.example"),
        ("evil.example", "127.0.0.1:6543"),
        ("localhost.evil.example", "127.0.0.1"),
        ("shop.localhost.evil.example", "shop.localhost:6543"),
        ("evillocalhost", "127.0.0.1"),
    ],
)
def test_localhost_and_remote_hosts_may_not_call_each_other(autonomy, page, api):
    headers = {"Origin": f"http://{page}", "Host": api}
    answer = autonomy.app.get("/other/api/v1/products", headers=headers)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_replay_header_is_readable_across_origins(autonomy):
    answer = autonomy.app.get(PRODUCTS, headers={"Origin": "https://acme.example"})
    assert "Idempotent-Replayed" in answer.headers["Access-Control-Expose-Headers"].split(", ")


@pytest.mark.parametrize(
    "origin", ["https://other.example", "https://acme.example.evil.example", "null", "https://["]
)
def test_a_page_on_another_host_may_not_read_the_answer(autonomy, origin):
    answer = autonomy.app.get(PRODUCTS, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://acme.example"}, {"Origin": "https://other.example"}]
)
@pytest.mark.parametrize(("path", "status"), [(PRODUCTS, 200), ("/acme/api/v1/nothing", 404)])
def test_every_answer_varies_by_origin(autonomy, headers, path, status):
    assert "Origin" in autonomy.app.get(path, headers=headers, status=status).headers["Vary"]


def test_a_browsers_preflight_is_answered(autonomy):
    # A preflight is the browser's own question, and no call of the API.
    answer = autonomy.app.options(
        "/acme/api/v1/customers/me",
        headers={"Origin": "https://acme.example", **PREFLIGHT},
        extra_environ={"autonomy.unchecked": "1"},
        status=204,
    )
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(allowed)


def test_a_preflight_from_another_host_is_not_answered(autonomy):
    headers = {"Origin": "https://other.example", **PREFLIGHT}
    answer = autonomy.app.options(PRODUCTS, headers=headers, status=405)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_error_is_readable_across_origins_too(autonomy):
    answer = autonomy.app.get("/acme/api/v1/nothing", headers={"Origin": "https://acme.example"}, status=404)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://acme.example"
