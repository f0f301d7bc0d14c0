import pytest

from customer_auth.sessions.clients import Client

MOZILLA = "Mozilla/5.0 "
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (f"{MOZILLA}(Windows NT 10.0; Win64; x64) {KHTML}Chrome/142.0 Safari/537.36", "Chrome", "Windows"),
        (f"{MOZILLA}(Windows NT 10.0) {KHTML}Chrome/142.0 Safari/537.36 Edg/142.0", "Edge", "Windows"),
        (f"{MOZILLA}(Macintosh; Intel Mac OS X 10_15) {KHTML}Version/18.0 Safari/605.1", "Safari", "macOS"),
        (f"{MOZILLA}(iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/142.0 Safari/604.1", "Chrome", "iPhone"),
        (f"{MOZILLA}(iPad; CPU OS 16_0 like Mac OS X) FxiOS/140.0 Safari/605.1", "Firefox", "iPad"),
        (
            f"{MOZILLA}(Linux; Android 15) {KHTML}SamsungBrowser/28.0 Chrome/130.0",
            "Samsung Internet",
            "Android",
        ),
        (f"{MOZILLA}(X11; CrOS x86_64 14541.0.0) {KHTML}Chrome/142.0 Safari/537.36", "Chrome", "ChromeOS"),
        (f"{MOZILLA}(X11; Linux x86_64) {KHTML}Chrome/142.0 OPR/120.0", "Opera", "Linux"),
        (f"{MOZILLA}(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
        ("curl/8.14.1", None, None),
        ("", None, None),
        (None, None, None),
        ("x" * 512 + " Firefox/140.0", None, None),
    ],
)
def test_a_client_is_named_by_browser_and_system(user_agent, browser, system):
    client = Client("192.0.2.1", user_agent)
    assert (client.browser, client.system) == (browser, system)
