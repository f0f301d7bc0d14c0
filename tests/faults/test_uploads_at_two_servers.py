"""Uploads through real servers that share one store and one database: cut off, and continued elsewhere.

Each server has a data directory of its own, so that only the store and the database can be shared.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from autonomy_core.testing.application import chosen_plugins
from tests.functional.media_mp3.shop import LONG, MUSIC, Shop
from tests.functional.media_mp3.tus import STREAM, VERSION
from tests.support.server_processes import processes, wait_for

pytestmark = [pytest.mark.concurrent, pytest.mark.processes]

ROOT = Path(__file__).parents[2]
INI = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = {tenants}
autonomy.data = {data}
autonomy.secret = file:{secret}
autonomy.log_format = json
sqlalchemy.url = {url}
{files}
"""
CLIENT = """
const tus = require(process.argv[1]), {file, options} = JSON.parse(process.argv[2]);
const upload = new tus.Upload(require("fs").readFileSync(file), {
  ...options,
  metadata: {filename: "long.mp3", filetype: "audio/mpeg"},
  onChunkComplete() {
    // Break off after the first part, as a browser does whose tab is closed.
    if (options.breakOff) upload.abort().then(() => console.log(upload.url));
  },
  onError(error) { console.error(String(error)); process.exit(1); },
  onSuccess() { console.log(upload.url); },
});
upload.start();
"""


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


@pytest.fixture
def shop(committed):
    # The servers have no stand-ins, so this one sells with the plugins of a real server.
    committed.organisation("acme", plugins=("media_mp3",))
    return Shop(committed, "acme")


@pytest.fixture
def servers(shop, s3, tmp_path):
    """Two processes; gives their addresses, and the processes by name."""
    settings = shop.autonomy.runtime.settings
    values = {
        "tenants": settings.tenants,
        "secret": settings.data / "secret",
        "url": shop.autonomy.database.url.replace("%", "%%"),
        "files": "\n".join(f"{key} = {value}" for key, value in s3.ini("shop/uploads").items()),
    }
    found = {}
    with (
        processes(tmp_path / "one.ini", **s3.environment) as one,
        processes(tmp_path / "two.ini", **s3.environment) as two,
    ):
        for name, running in (("one", one), ("two", two)):
            ini = INI.format(data=tmp_path / name, **values)
            (tmp_path / f"{name}.ini").write_text(ini)
            running.start(name, "serve", "--port", "0", "--threads", "4")
        for name, running in (("one", one), ("two", two)):
            found[name] = wait_for(lambda n=name, r=running: address_of(n, r), f"server {name}")
        yield found, {"one": one, "two": two}


def address_of(name, running):
    found = [word for word in running.told_by(name).split() if word.startswith("http://")]
    netloc = found and urlsplit(found[0].strip('",')).netloc
    if not netloc:
        return None
    with closing(HTTPConnection(netloc)) as trial, suppress(ConnectionRefusedError):
        trial.request("GET", "/health/live")
        return f"http://{netloc}" if trial.getresponse().status == 200 else None
    return None


class Staff:
    """Staff of the shop at one server."""

    def __init__(self, shop, address):
        self.shop, self.address = shop, address
        self.uploads = f"{address}/acme/api/v1/admin/uploads"
        self.headers = {**shop.staff, **VERSION}

    def begin(self, length):
        answer = requests.post(
            self.uploads, headers={**self.headers, "Upload-Length": str(length)}, timeout=120
        )
        assert answer.status_code == 201, answer.text
        return urlsplit(answer.headers["Location"]).path

    def offset(self, path):
        answer = requests.head(f"{self.address}{path}", headers=self.headers, timeout=120)
        return int(answer.headers["Upload-Offset"]) if answer.status_code == 200 else None

    def send(self, path, offset, body):
        headers = {**self.headers, **STREAM, "Upload-Offset": str(offset)}
        return requests.patch(f"{self.address}{path}", body, headers=headers, timeout=120)

    def use(self, album, path):
        form = {"upload": (None, path.rpartition("/")[2])}
        url = f"{self.address}/acme/api/v1/admin/products/{album.id}/tracks"
        answer = requests.post(url, files=form, headers=self.shop.staff, timeout=120)
        assert answer.status_code == 201, answer.text
        return answer.json()["track"]

    def heard(self, album, track):
        url = f"{self.address}/acme/api/v1/admin/products/{album.id}/tracks/{track['id']}/stream"
        return requests.get(url, headers=self.shop.staff, timeout=120).content

    def cut_off(self, path, offset, body, whole):
        """Announce a body, send only its beginning, and close the connection."""
        target = urlsplit(self.address)
        headers = {**self.headers, **STREAM, "Upload-Offset": str(offset), "Content-Length": str(whole)}
        lines = [f"PATCH {path} HTTP/1.1", f"Host: {target.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection((target.hostname, target.port), timeout=120) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
            return connection


def tus_js_client(staff, file, **options):
    """Run the client under node; gives the path of the upload."""
    module = max((ROOT / "var" / "tus-js-client").glob("*/node_modules/tus-js-client"), default=None)
    node = shutil.which("node")
    if module is None or node is None:
        pytest.skip("there is no tus-js-client: `make tus-client` gets it, with npm; and node runs it")
    options = {"endpoint": staff.uploads, "headers": staff.shop.staff, **options}
    given = json.dumps({"file": str(file), "options": options})
    command = [node, "-e", CLIENT, "--", str(module), given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return urlsplit(done.stdout.split()[-1]).path


def test_what_arrived_is_kept_and_continued_at_the_other_server(shop, servers):
    addresses, _ = servers
    one, two = (Staff(shop, addresses[name]) for name in ("one", "two"))
    path, some = one.begin(len(LONG)), len(LONG) // 3
    one.cut_off(path, 0, LONG[:some], len(LONG))
    arrived = wait_for(lambda: two.offset(path), "the part that arrived")
    assert arrived == some
    assert one.send(path, 0, LONG).status_code == 409
    assert two.send(path, arrived, LONG[arrived:]).status_code == 204
    album = shop.album()
    track = one.use(album, path)
    assert one.heard(album, track) == two.heard(album, track) == LONG


def test_a_killed_server_loses_no_finished_part_and_leaves_no_orphan(shop, servers):
    addresses, running = servers
    one, two = (Staff(shop, addresses[name]) for name in ("one", "two"))
    path = one.begin(len(MUSIC))
    assert one.send(path, 0, MUSIC[:10_000]).status_code == 204
    one.cut_off(path, 10_000, MUSIC[10_000:20_000], len(MUSIC) - 10_000)
    running["one"].kill()
    offset = wait_for(lambda: two.offset(path), "the other server")
    assert offset in {10_000, 20_000}
    assert two.send(path, offset, MUSIC[offset:]).status_code == 204
    album = shop.album()
    assert two.heard(album, two.use(album, path)) == MUSIC
    running["two"].run("files", "check", "acme")


def test_tus_js_client_resumes_at_the_other_server(shop, servers, tmp_path):
    addresses, _ = servers
    one, two = (Staff(shop, addresses[name]) for name in ("one", "two"))
    (file := tmp_path / "long.mp3").write_bytes(LONG)
    begun = tus_js_client(one, file, chunkSize=100_000, breakOff=True)
    assert two.offset(begun) == 100_000
    path = tus_js_client(two, file, uploadUrl=f"{two.address}{begun}", chunkSize=5_000_000)
    assert path == begun
    for each in (path, tus_js_client(one, file, parallelUploads=3)):
        album = shop.album()
        track = two.use(album, each)
        assert track["filename"] == "long.mp3"
        assert one.heard(album, track) == LONG
