"""Without a mark, a test of this directory cannot leave its process."""

import os
import socket
import subprocess

import pytest

NOWHERE = ("127.0.0.1", 0)


@pytest.mark.parametrize("call", [lambda: subprocess.run(["true"], check=True), os.fork])
def test_a_process_is_not_started(call):
    with pytest.raises(pytest.fail.Exception, match=r"pytest\.mark\.processes is missing"):
        call()


@pytest.mark.parametrize("call", [socket.socket.bind, socket.socket.connect])
def test_a_socket_goes_nowhere(call):
    with (
        socket.socket() as own,
        pytest.raises(pytest.fail.Exception, match=r"pytest\.mark\.processes is missing"),
    ):
        call(own, NOWHERE)
