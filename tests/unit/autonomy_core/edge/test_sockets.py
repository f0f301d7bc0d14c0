"""Connections to end are found among the open file descriptors."""

import asyncio
import socket
import struct
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import pytest

from autonomy_core.edge.sockets import HangUp, _shut_down, set_up_listeners

pytestmark = pytest.mark.processes


def open_files():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_looking_for_connections_leaves_no_file_open(tmp_path):
    with (tmp_path / "file").open("wb"), socket.socket(), socket.socket(socket.AF_UNIX):
        before = open_files()
        for _ in range(3):
            _shut_down(set())
            set_up_listeners(1)
        assert open_files() == before


def test_only_the_connection_of_the_lingering_client_is_ended():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        pairs = [(socket.create_connection(listener.getsockname()), listener.accept()[0]) for _ in range(2)]
        (stays, _), (other, served) = pairs
        host, port = stays.getsockname()
        _shut_down({(ip_address(host), port)})
        assert stays.recv(1) == b""
        served.sendall(b"x")
        assert other.recv(1) == b"x"
        for pair in pairs:
            for end in pair:
                end.close()


def test_a_new_connection_that_reuses_an_ended_address_is_served():
    async def come_back():
        hang_up = HangUp()
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            first = socket.create_connection(listener.getsockname())
            accepted, (host, port) = listener.accept()
            hang_up.on((host, str(port)))
            # It leaves with a reset, so that its port is free at once.
            first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            first.close()
            accepted.close()
            with (
                socket.create_connection(listener.getsockname(), source_address=(host, port)) as second,
                listener.accept()[0] as served,
            ):
                hang_up.not_on((host, str(port)))
                hang_up._sweep()
                await asyncio.get_running_loop().shutdown_default_executor()
                second.sendall(b"x")
                assert served.recv(1) == b"x"

    asyncio.run(come_back())


def test_every_accepted_connection_has_a_tcp_user_timeout():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        set_up_listeners(1.5)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500
