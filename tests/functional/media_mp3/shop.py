"""A shop of recordings."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from autonomy_core.testing.application import Autonomy
from demo import music
from tests.unit.media_mp3 import material

MUSIC = music.tag(material.PIECE) + material.cbr()
# Larger than the buffers of both sockets, so that a server cannot finish while the client does not read.
LONG = music.tag(material.PIECE) + material.cbr() * 400


class Server(ThreadingMixIn, WSGIServer):
    """The standard library's server: it buffers nothing, so that the application sees the socket itself."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def serving(application):
    """Serve a WSGI application; gives host and port."""
    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Shop:
    """One organisation, its staff and a customer."""

    autonomy: Autonomy
    id: str

    def __post_init__(self):
        self.staff = self.autonomy.as_staff(self.id)
        self.ada = self.autonomy.customer(self.id)
        self.as_ada = self.autonomy.as_customer(self.ada)

    @property
    def api(self):
        return f"/{self.id}/api/v1"

    @property
    def incoming(self):
        return self.autonomy.runtime.settings.data / "media" / "incoming"

    def album(self, **values):
        return self.autonomy.product(self.id, **{"title": "An album", "kind": "mp3", **values})

    def upload(self, product, content=MUSIC, filename="song.mp3", status=201, headers=None, **fields):
        answer = self.autonomy.app.post(
            f"{self.api}/admin/products/{product.id}/tracks",
            {name: str(value) for name, value in fields.items()},
            upload_files=[("file", filename, content, "audio/mpeg")],
            headers=self.staff if headers is None else headers,
            status=status,
        )
        assert list(self.incoming.glob("*")) == [], "a temporary file is left"
        return answer.json

    def tracks_for_staff(self, album):
        path = f"{self.api}/admin/products/{album.id}/tracks"
        return self.autonomy.app.get(path, headers=self.staff).json["items"]

    def sell(self, album, customer=None):
        return self.autonomy.buy(customer or self.ada, album)

    def tracks(self, album, headers=None, status=200):
        path = f"{self.api}/customers/products/{album.id}/tracks"
        return self.autonomy.app.get(
            path, headers=self.as_ada if headers is None else headers, status=status
        ).json

    def get(self, url, status=200, method="GET", **headers):
        """Request a path, or a link as it was given out."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.autonomy.app.request(target, method=method, headers=sent, status=status)
