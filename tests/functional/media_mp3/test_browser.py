"""A browser's own player plays a signed link and seeks in it."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.functional.media_mp3.shop import LONG, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>player</title><audio id="player" muted></audio><script>
const player = document.getElementById("player"), seen = {};
const tell = () => fetch("/told", {method: "POST", body: JSON.stringify(seen)});
player.onerror = () => { seen.error = player.error.message; tell(); };
player.onseeked = () => { seen.seeked = player.currentTime; };
player.ontimeupdate = () => {
  if (seen.seeked === undefined && !seen.started && player.currentTime > 0.1) {
    seen.started = true; seen.duration = player.duration; player.currentTime = player.duration * 0.8;
  } else if (seen.seeked !== undefined && player.currentTime > seen.seeked + 0.1) {
    player.ontimeupdate = null; player.pause(); seen.played_on = true; tell();
  }
};
player.src = SOURCE; player.play().catch(error => { seen.error = String(error); tell(); });
</script>"""


class Player:
    """The shop's API, and beside it a page with a player that tells what it has seen."""

    def __init__(self, api, source):
        self.api, self.page = api, PAGE.replace("SOURCE", json.dumps(source)).encode()
        self.told, self.ranges = queue.Queue(), []

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/player":
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [self.page]
        if environ["PATH_INFO"] == "/told":
            self.told.put(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
            start_response("204 No Content", [])
            return []

        def note(status, headers, *more):
            self.ranges.append((status[:3], dict(headers).get("Content-Range", "")))
            return start_response(status, headers, *more)

        return self.api(environ, note)


@pytest.mark.processes
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browsers_player_plays_a_link_and_seeks(committed_shop, tmp_path):
    shop, album = committed_shop, committed_shop.album()
    shop.upload(album, LONG)
    shop.sell(album)
    link = urlsplit(shop.tracks(album)["items"][0]["stream_url"])
    player = Player(shop.autonomy.app.app, f"{link.path}?{link.query}")

    with serving(player) as (host, port):
        browser = start_browser(f"http://{host}:{port}/player", tmp_path)
        try:
            seen = player.told.get(timeout=60)
        finally:
            browser.kill()
            browser.wait()

    assert "error" not in seen
    assert seen["duration"] == pytest.approx(1200, rel=0.05)
    assert seen["seeked"] == pytest.approx(seen["duration"] * 0.8, abs=1)
    assert seen["played_on"] is True
    firsts = [
        int(part.removeprefix("bytes ").partition("-")[0])
        for status, part in player.ranges
        if status == "206"
    ]
    assert any(first > len(LONG) / 2 for first in firsts), player.ranges


def start_browser(url, directory):
    options = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={directory / 'browser'}",
    ]  # fmt: skip
    return subprocess.Popen([CHROMIUM, *options, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
