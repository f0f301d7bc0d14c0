"""A test of this directory cannot leave its process without the mark ``processes``."""

import os
import socket
import subprocess

import pytest

NOWHERE = ("127.0.0.1", 0)


@pytest.mark.parametrize("call", [lambda: subprocess.run(["true"], check=True), os.fork])
def test_a_process_cannot_be_started(call):
    with pytest.raises(pytest.fail.Exception, match=r"pytest\.mark\.processes is missing"):
        call()


@pytest.mark.parametrize("call", [socket.socket.bind, socket.socket.connect])
def test_a_socket_cannot_connect(call):
    with (
        socket.socket() as own,
        pytest.raises(pytest.fail.Exception, match=r"pytest\.mark\.processes is missing"),
    ):
        call(own, NOWHERE)
