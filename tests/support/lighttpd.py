"""A real lighttpd with the documented configuration."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.listening import listening

PAGE = Path(__file__).parents[2] / "docs" / "files.md"
PROGRAM = shutil.which("lighttpd")

needs_lighttpd = pytest.mark.skipif(PROGRAM is None, reason="lighttpd is not installed")


@contextmanager
def lighttpd(directory: Path, port: int, server_port: int, files: Path) -> Iterator[None]:
    """Run the lighttpd of docs/files.md until the block ends.

    Args:
        directory: of its own.
        port: on which it listens.
        server_port: on which the application listens.
        files: the directory whose files it may send.
    """
    found = re.search(r"^```lighttpd\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    config = found[1].replace("8000", str(server_port)).replace("/srv/autonomy/", f"{files}/")
    log = directory / "lighttpd.log"
    (directory / "lighttpd.conf").write_text(
        f'server.bind = "127.0.0.1"\nserver.port = {port}\nserver.document-root = "{directory}"\n'
        f'server.errorlog = "{log}"\nserver.upload-dirs = ( "{directory}" )\n{config}'
    )
    log.touch()
    with listening([str(PROGRAM), "-D", "-f", str(directory / "lighttpd.conf")], port, log):
        yield
