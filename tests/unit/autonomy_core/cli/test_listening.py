"""The host and port of ``autonomy serve``: the ini file's, unless options give others."""

import pytest

from autonomy_core.cli.failures import Failure
from autonomy_core.cli.server_ini import read_listen


@pytest.fixture
def listening(tmp_path):
    def read(*lines):
        ini = tmp_path / "server.ini"
        ini.write_text("\n".join(["[app:main]", "use = egg:autonomy-server", *lines, ""]))
        return read_listen(ini)

    return read


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ((), ("127.0.0.1", 6543)),
        (("[server:main]", "use = egg:waitress#main"), ("127.0.0.1", 6543)),
        (("[server:main]", "listen = 127.0.0.1:8000"), ("127.0.0.1", 8000)),
        (("[server:main]", "listen = localhost:8000 127.0.0.1:8001"), ("localhost", 8000)),
        (("[server:main]", "listen = [::1]:8000"), ("::1", 8000)),
        (("[server:main]", "listen = *:8000"), ("0.0.0.0", 8000)),
        (("[server:main]", "host = 10.0.0.1", "port = 8000"), ("10.0.0.1", 8000)),
        (("[server:main]", "port = 8000"), ("127.0.0.1", 8000)),
    ],
)
def test_the_ini_file_says_where_to_listen(listening, lines, address):
    assert listening(*lines) == address


@pytest.mark.parametrize("line", ["listen = 127.0.0.1:http", "port = 99999"])
def test_an_invalid_port_is_refused_with_the_remedy(listening, line):
    with pytest.raises(Failure, match=r"server:main.*--port"):
        listening("[server:main]", line)


def test_without_an_ini_file_the_default_port_is_used(tmp_path):
    assert read_listen(tmp_path / "missing.ini") == ("127.0.0.1", 6543)
