"""A Chromium without a window, driven through its DevTools protocol."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0", "--remote-allow-origins=*",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
START_S = 60.0


class Tab:
    """A tab of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def run(self, script: str) -> Any:
        """Run the body of an asynchronous function in the page, and return its result."""
        expression = f"(async () => {{{script}}})()"
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded. Its script may remove the fragment of the URL."""
        self.send("Page.enable")
        self.send("Page.navigate", url=url)
        deadline = time.monotonic() + START_S
        shown = f'location.href.split("#")[0] === {json.dumps(url.partition("#")[0])}'
        while self.run(f"return {shown} && document.readyState") != "complete":
            assert time.monotonic() < deadline, url


@contextmanager
def chromium(directory: Path) -> Iterator[Tab]:
    """Start a browser with a new profile, and end it afterwards.

    Args:
        directory: where the profile is made.
    """
    profile = directory / "profile"
    browser = subprocess.Popen(
        [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connect(_address_of_tab(profile), open_timeout=START_S) as connection:
            yield Tab(connection)
    finally:
        browser.kill()
        browser.wait()


def _address_of_tab(profile: Path) -> str:
    """The address of the first tab, as soon as the browser has said its port."""
    said, deadline = profile / "DevToolsActivePort", time.monotonic() + START_S
    while time.monotonic() < deadline:
        if said.exists() and (lines := said.read_text().splitlines()):
            tabs = requests.get(f"http://127.0.0.1:{lines[0]}/json/list", timeout=START_S).json()
            found = [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]
            if found:
                return str(found[0])
        time.sleep(0.05)
    raise TimeoutError("Chromium has not started")
