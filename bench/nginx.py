"""nginx in front of a directory of files, and of an application that passes files on to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.server import Server, free_port, running

CONFIG = """\
daemon off; {user}worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        {locations}
    }}
}}
"""

IN_FRONT = """\
        location /api/ {{
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
        location {prefix} {{ internal; alias {root}/; }}
"""


def passing_on(port: int, prefix: str, root: Path) -> str:
    """Return the locations of an application that lets nginx send its files.

    Args:
        port: the application's port on 127.0.0.1.
        prefix: what its ``X-Accel-Redirect`` begins with.
        root: the directory of the files.
    """
    return IN_FRONT.format(port=port, prefix=prefix, root=root)


@contextmanager
def nginx(root: Path, home: Path, locations: str = "") -> Iterator[Server | None]:
    """Run nginx with one process; yield None if it is not installed.

    Args:
        root: the directory whose files it sends.
        home: a new directory for its own files.
        locations: further ones, from `passing_on`.
    """
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    home.mkdir()
    # By default a master that is root lets another user read the files, which belong to this one.
    user = "user root; " if os.geteuid() == 0 else ""
    port, config = free_port(), home / "nginx.conf"
    config.write_text(CONFIG.format(home=home, port=port, root=root, user=user, locations=locations), "utf-8")
    with running([program, "-c", str(config)], port=port, environment={}, log=home / "log") as server:
        yield server
