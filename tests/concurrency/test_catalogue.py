"""Two processes serve one catalogue: what one has written, the other one does not answer differently."""

import threading
from contextlib import closing, suppress
from http.client import HTTPConnection
from itertools import cycle
from urllib.parse import urlsplit

import pytest

from autonomy_core.testing.application import chosen_plugins
from tests.functional.media_mp3.shop import Shop
from tests.support.server_processes import processes, wait_for

pytestmark = [pytest.mark.concurrent, pytest.mark.processes]

WRITES = 20
INI = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = {tenants}
autonomy.data = {data}
autonomy.log_format = json
sqlalchemy.url = {url}
"""


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


@pytest.fixture
def shop(committed):
    # The other process has no stand-ins, so this one sells with the plugins of a real server.
    committed.organisation("acme", plugins=("media_mp3",))
    return Shop(committed, "acme")


@pytest.fixture
def other(shop, tmp_path):
    """A process that serves the same database; gives its address."""
    settings = shop.autonomy.runtime.settings
    url = shop.autonomy.database.url.replace("%", "%%")
    ini = tmp_path / "server.ini"
    ini.write_text(INI.format(tenants=settings.tenants, data=settings.data, url=url))
    with processes(ini) as running:
        running.start("server", "serve", "--port", "0", "--threads", "8")

        def address():
            found = [word for word in running.told_by("server").split() if word.startswith("http://")]
            netloc = found and urlsplit(found[0].strip('",')).netloc
            with closing(HTTPConnection(netloc or "localhost")) as trial, suppress(ConnectionRefusedError):
                return netloc and ask(trial, "/health/live")[0] == 200 and netloc

        yield wait_for(address, "the server")


def ask(connection, path, **headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader("ETag"), answer.read()


def test_an_answered_write_is_seen_by_every_process(shop, other):
    album = shop.album(title="Title 0")
    shop.upload(album)
    paths = [f"{shop.api}/products", f"{shop.api}/products/{album.id}"]
    written, wrong, stopping = [0], [], threading.Event()

    def keep_asking():
        """Ask the other process all the time, so that it keeps answers whenever it can."""
        with closing(HTTPConnection(other)) as own:
            for path in cycle(paths):
                if stopping.is_set():
                    return
                least = written[0]
                status, _, body = ask(own, path)
                seen = int(body.partition(b'"title": "Title ')[2].partition(b'"')[0])
                if status != 200 or seen < least:
                    wrong.append((status, seen, least))

    askers = [threading.Thread(target=keep_asking) for _ in range(3)]
    for asker in askers:
        asker.start()
    connection, etags = HTTPConnection(other), {}
    try:
        for number in range(1, WRITES):
            shop.autonomy.app.patch_json(
                f"{shop.api}/admin/products/{album.id}", {"title": f"Title {number}"}, headers=shop.staff
            )
            written[0] = number
            for path in paths:
                status, etag, body = ask(connection, path, **{"If-None-Match": etags.get(path, '""')})
                assert (status, f'"Title {number}"'.encode() in body) == (200, True)
                host = {"Host": other}
                assert shop.autonomy.app.get(path, headers=host).body == body
                assert ask(connection, path, **{"If-None-Match": etag})[0] == 304
                etags[path] = etag
    finally:
        stopping.set()
        connection.close()
        for asker in askers:
            asker.join()
    assert wrong == []
