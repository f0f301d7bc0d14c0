import socketserver
import threading
from contextlib import contextmanager

import pytest

from bench.load import LoadError, send_all

pytestmark = pytest.mark.processes

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def answering(answer):
    """A server with one answer to every request; yields its port and the bodies that it has read."""
    bodies = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline():
                while (line := self.rfile.readline()) != b"\r\n":
                    length = int(line.split(b":")[1])
                bodies.append(self.rfile.read(length))
                for part in answer:
                    self.wfile.write(part)
                    self.wfile.flush()
                if not answer:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], bodies
        finally:
            server.shutdown()
            thread.join()


def requests(count):
    bodies = [f"body {number}".encode() for number in range(count)]
    return [b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body) for body in bodies]


def test_every_request_is_sent_once():
    with answering([OK]) as (port, bodies):
        send_all(port, requests(25), connections=4)
        assert sorted(bodies) == sorted(f"body {number}".encode() for number in range(25))


def test_an_answer_may_come_in_pieces():
    with answering([OK[:10], OK[10:-1], OK[-1:]]) as (port, bodies):
        send_all(port, requests(5), connections=1)
        assert len(bodies) == 5


def test_an_answer_without_a_body_is_an_answer():
    with answering([b"HTTP/1.1 204 No Content\r\n\r\n"]) as (port, bodies):
        send_all(port, requests(3), connections=1)
        assert len(bodies) == 3


def test_a_refused_event_voids_the_run():
    busy = b"HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nbusy"
    with answering([busy]) as (port, _), pytest.raises(LoadError, match="503"):
        send_all(port, requests(5), connections=2)


def test_a_connection_that_is_closed_voids_the_run():
    with answering([]) as (port, _), pytest.raises(LoadError, match="closed"):
        send_all(port, requests(5), connections=1)


def test_more_connections_than_requests_are_no_harm():
    with answering([OK]) as (port, bodies):
        send_all(port, requests(2), connections=5)
        assert len(bodies) == 2


def test_a_server_that_does_not_answer_voids_the_run():
    with answering([OK[:10]]) as (port, _), pytest.raises(LoadError, match="no answer"):
        send_all(port, requests(2), connections=2, timeout_s=0.1)
