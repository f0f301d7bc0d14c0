"""A small application behind the edge: ``python -m tests.functional.edge.trial PORT LIMITS``."""

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from granian.utils.proxies import wrap_asgi_with_proxy_headers

from autonomy_core.cli.serve import make_server
from autonomy_core.cli.wsgi import behind_edge
from autonomy_core.edge.limits import HEAD_S, Limits
from autonomy_core.files.area import FileArea
from autonomy_core.files.assembly import AssembledBody, StoredPart, slices
from autonomy_core.settings_schema import AddressesField
from autonomy_core.traversal.target import REFUSAL

RECORDING = Path("recording")
FILE_BYTES = 20_000_000
THREADS = 4


def application(environ, start_response):
    if (refusal := environ.get(REFUSAL)) is not None:
        note("refusals", refusal.code)
        return answer(start_response, refusal.code.encode(), f"{refusal.status} Refused")
    return PATHS[environ["PATH_INFO"]](environ, start_response)


def answer(start_response, body, status="200 OK"):
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]


def echo(environ, start_response):
    return answer(start_response, environ["wsgi.input"].read())


def refuse(environ, start_response):
    return answer(start_response, b"no", "401 Unauthorized")


def open_files(environ, start_response):
    """The number of open files of the process, and its id."""
    found = {"files": sum(1 for _ in Path("/dev/fd").iterdir()), "process": os.getpid()}
    return answer(start_response, json.dumps(found).encode())


def send_file(environ, start_response, length=FILE_BYTES, path=RECORDING):
    file = path.open("rb")
    start_response("200 OK", [("Content-Length", str(length))])
    return environ["wsgi.file_wrapper"](file)


def announce_too_much(environ, start_response):
    """An answer that is shorter than it says."""
    start_response("200 OK", [("Content-Length", "100")])
    return [b"short"]


def break_off(environ, start_response):
    """An answer whose making fails in the middle."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun"
    raise RuntimeError("in the middle")


def read_late(environ, start_response):
    """An answer that reads the body while it is made."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield environ["wsgi.input"].read()


def stop_iteration(environ, start_response):
    raise StopIteration


def leave(environ, start_response):
    sys.exit("a library calls this")


def hold(environ, start_response):
    """Wait until a file says so, with the body half read."""
    begun = environ["wsgi.input"].read(1)
    note("begun", "one")
    while not Path("let-go").exists():
        time.sleep(0.02)
    note("held", str(len(begun + environ["wsgi.input"].read())))
    return answer(start_response, b"held")


def hold_and_fail(environ, start_response):
    hold(environ, start_response)
    raise RuntimeError("after the deadline")


def note(name, line):
    """Write a line where a test reads it."""
    with Path(name).open("a") as file:
        file.write(f"{line}\n")


class Pieces:
    """A store that has no file on this machine.

    Args:
        fails_at: the byte of the whole from which on it does not answer.
    """

    def __init__(self, fails_at):
        self._fails_at = fails_at

    def open_local(self, *_):
        return None

    def open_range(self, key, start, end_inclusive):
        if start >= self._fails_at:
            raise OSError("the store does not answer")
        yield RECORDING.read_bytes()[start : end_inclusive + 1]


def assemble(environ, start_response, fails_at=FILE_BYTES):
    area = FileArea("trial", Path, plugin="trial", suffix=".bin")
    parts = [b"head", StoredPart(area, "acme/aa/" + "a" * 64 + ".bin", FILE_BYTES), b"tail"]
    start = 0 if fails_at else len(parts[0])
    body = AssembledBody(slices(parts, start, FILE_BYTES + 8), lambda _: Pieces(fails_at), "acme")
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return body


PATHS = {
    "/assembled": assemble,
    "/fails-at-once": partial(assemble, fails_at=0),
    "/fails-later": partial(assemble, fails_at=5_000_000),
    "/announce-too-much": announce_too_much,
    "/shrinking": partial(send_file, path=Path("shrinking")),
    "/host": lambda environ, start_response: answer(start_response, environ["HTTP_HOST"].encode()),
    "/hold": hold,
    "/hold-and-fail": hold_and_fail,
    "/health/live": refuse,
    "/exit": leave,
    "/acme/api/v1/admin/products/1/tracks": refuse,
    "/client": lambda environ, start_response: answer(start_response, environ["REMOTE_ADDR"].encode()),
    "/echo": echo,
    "/refuse": refuse,
    "/open": open_files,
    "/file": send_file,
    "/cut-short": partial(send_file, length=FILE_BYTES + 1),
    "/break-off": break_off,
    "/read-late": read_late,
    "/stop-iteration": stop_iteration,
}


def load(limits, proxies):
    edge = behind_edge(application, limits, THREADS)
    return wrap_asgi_with_proxy_headers(edge.__call__, proxies) if proxies else edge


def main(port, host="127.0.0.1", workers=1, proxies="", head_s=HEAD_S, **limits):
    RECORDING.write_bytes(os.urandom(FILE_BYTES))
    trusted = AddressesField().deserialize(proxies)
    target = partial(load, Limits(spool=Path("spool"), **limits), list(trusted))
    make_server(host, int(port), workers, head_s=head_s).serve(target_loader=target, wrap_loader=False)


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))
