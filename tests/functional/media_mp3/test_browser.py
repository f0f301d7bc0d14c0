"""A browser plays a signed link, seeks in it, and saves it, also if the store sends the file."""

from __future__ import annotations

import json
import queue
import subprocess
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests

from autonomy_core.files.presigning import Signer
from tests.functional.media_mp3.shop import LONG, Shop, serving
from tests.support.chromium import CHROMIUM, chromium
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY
from tests.support.server_processes import wait_for

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
    """The shop's API, and beside it a page, for example with a player that tells what it has seen."""

    def __init__(self, api, page):
        self.api, self.page = api, page.encode()
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
    source = json.dumps(f"{link.path}?{link.query}")
    player = Player(shop.autonomy.app.app, PAGE.replace("SOURCE", source))

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


PLAY = """
const player = new Audio(%s), events = new Promise((resolve, reject) => {
  player.onerror = () => reject(player.error.message);
  player.onseeked = () => resolve(player.currentTime);
});
await player.play();
player.currentTime = player.duration * 0.8;
const seeked = await events;
while (player.currentTime < seeked + 0.1) await new Promise(resolve => setTimeout(resolve, 20));
player.pause();
return {duration: player.duration, seeked};
"""
SAVE = "const link = document.createElement('a'); link.href = %s; document.body.append(link); link.click();"
READ = """
const answer = await fetch(%s, {headers: {Range: "bytes=1000-1099"}});
const bytes = new Uint8Array(await answer.arrayBuffer());
return {status: answer.status, range: answer.headers.get("Content-Range"), bytes: [...bytes]};
"""
SEND = """
const begun = %s, file = await (await fetch(%s)).blob(), statuses = [];
for (const {number, size, url} of begun.parts) {
  const start = (number - 1) * begun.part_size;
  statuses.push((await fetch(url, {method: "PUT", body: file.slice(start, start + size)})).status);
}
return statuses;
"""
RULES = """<CORSConfiguration><CORSRule>
<AllowedOrigin>*</AllowedOrigin>
<AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod><AllowedMethod>PUT</AllowedMethod>
<AllowedHeader>Range</AllowedHeader><AllowedHeader>If-Range</AllowedHeader>
<ExposeHeader>Content-Range</ExposeHeader><ExposeHeader>Accept-Ranges</ExposeHeader>
<ExposeHeader>ETag</ExposeHeader>
</CORSRule></CORSConfiguration>"""
"""Those of docs/files.md and docs/uploads.md."""


@pytest.fixture
def redirecting(committed, s3):
    """A shop whose bucket sends the files, to scripts as well."""
    s3.make_bucket("played")
    signer = Signer(ACCESS_KEY, SECRET_KEY, "us-east-1")
    rules = signer.presigned(f"{s3.endpoint}/played", datetime.now(UTC), 60, {"cors": ""}, method="PUT")
    requests.put(rules, data=RULES, timeout=60).raise_for_status()
    files = {"url": "s3://played", "endpoint": s3.endpoint, "delivery": "redirect"}
    files |= {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    committed.organisation("acme", plugins=("media_mp3", "stand_ins"), settings={"files": files})
    return Shop(committed, "acme")


@pytest.mark.processes
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_plays_saves_reads_and_sends_at_the_store(redirecting, tmp_path):
    shop, album = redirecting, redirecting.album()
    shop.upload(album, LONG, title="Ça va", artist="Ada")
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]
    player = Player(shop.autonomy.app.app, "<!DOCTYPE html><title>A page of the shop</title>")

    with serving(player) as (_, port), chromium(tmp_path) as tab:
        # The page, the API and the store have three origins.
        stream, download = (
            json.dumps(f"http://localhost:{port}{parts.path}?{parts.query}")
            for parts in (urlsplit(track[f"{view}_url"]) for view in ("stream", "download"))
        )
        tab.open(f"http://127.0.0.1:{port}/player")
        played = tab.run(PLAY % stream)
        read = tab.run(READ % stream)
        begun = shop.autonomy.app.post_json(
            f"{shop.api}/admin/uploads/direct",
            {"filename": "again.mp3", "length": len(LONG)},
            headers=shop.staff,
        ).json
        sent = tab.run(SEND % (json.dumps(begun), stream))
        tab.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "saved"))
        tab.run(SAVE % download)
        saved = tmp_path / "saved" / "Ada - Ça va.mp3"
        wait_for(saved.exists, "the browser has saved the file")

    assert played["seeked"] == pytest.approx(played["duration"] * 0.8, abs=1)
    assert read["bytes"] == list(LONG[1000:1100])
    assert (read["status"], read["range"]) == (206, f"bytes 1000-1099/{len(LONG)}")
    assert saved.read_bytes() == LONG
    assert sent == [200] * len(begun["parts"])
    path = f"{shop.api}/admin/uploads/{begun['id']}/complete"
    assert shop.autonomy.app.post(path, headers=shop.staff).json["length"] == len(LONG)
    assert not {status for status, _ in player.ranges} & {"200", "206"}, "the application has sent a file"
