"""A real nginx with the documented configuration, without the certificate."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.listening import listening

DOCS = Path(__file__).parents[2] / "docs"

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")


def documented(port: int, server_port: int, *locations: str) -> str:
    """The server of docs/operations.md.

    Args:
        port: on which nginx listens.
        server_port: on which the application listens.
        locations: further ones.
    """
    page = (DOCS / "operations.md").read_text()
    found = re.search(r"^## nginx\n+```nginx\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    config = re.sub(r"^ *ssl_.*\n", "", found[1], flags=re.MULTILINE)
    config = config.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    config = config.replace(":8000", f":{server_port}")
    return config.rstrip().removesuffix("}") + "\n".join(locations) + "}\n"


def documented_location(directory: Path) -> str:
    """The location of docs/files.md, with the files of a directory."""
    page = (DOCS / "files.md").read_text()
    found = re.search(r"^```nginx\n(location /_files/ .*?)^```", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].replace("/srv/autonomy/", f"{directory}/")


@contextmanager
def nginx(directory: Path, port: int, server: str) -> Iterator[None]:
    """Run nginx until the block ends.

    Args:
        directory: of its own.
        port: on which it listens.
        server: the configuration inside of the block ``http``.
    """
    # The directory is this user's alone, and nginx would let another one work.
    user = "user root;\n" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    (directory / "nginx.conf").write_text(
        f"{user}daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}{server} }}\n"
    )
    log = directory / "nginx.log"
    with listening(["nginx", "-p", str(directory), "-e", str(log), "-c", "nginx.conf"], port, log):
        yield
