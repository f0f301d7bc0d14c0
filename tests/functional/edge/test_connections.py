"""Misbehaving connections, with raw sockets and a real server."""

import os
import select
import socket
import time
from contextlib import ExitStack

import pytest

from tests.faults.installation import TIMEOUT_S, wait_for
from tests.functional.edge.serving import read_answer
from tests.functional.edge.trial import FILE_BYTES, THREADS

pytestmark = pytest.mark.processes


def nothing_is_left_open(trial, before):
    """Whether the process has no more files open than before: no connection, no recording, no spool."""
    wait_for(lambda: trial.open() <= before, f"the {before} open files of before")
    return True


def test_a_client_that_reads_nothing_is_disconnected(trial):
    before = trial.open()
    with trial.connect("GET /file", buffer=4096):
        assert nothing_is_left_open(trial, before)


def test_a_slow_client_gets_the_whole_file(trial):
    with trial.connect("GET /file", "Connection: close", buffer=65536) as listener:
        status, body = read_answer(listener)
    assert (status, len(body)) == (200, FILE_BYTES)


def test_a_client_that_keeps_reading_a_little_stays_connected(trial):
    """A rate at which one large chunk takes longer than the idle limit."""
    with trial.connect("GET /file", "Connection: close", buffer=4096) as listener:
        received = 0
        for _ in range(50):
            received += len(listener.recv(4096))
            time.sleep(0.1)
        assert received + sum(map(len, iter(lambda: listener.recv(1 << 20), b""))) > FILE_BYTES


def test_a_refused_client_that_stays_is_disconnected(trial):
    before = trial.open()
    with trial.connect("POST /refuse", "Content-Length: 1000000", body=b"x") as stays:
        assert read_answer(stays) == (401, b"no")
        assert stays.recv(1) == b""
        assert nothing_is_left_open(trial, before)


def test_a_client_that_owes_its_body_is_disconnected_after_the_file(trial):
    before = trial.open()
    with trial.connect("POST /file", "Content-Length: 1000000", body=b"x") as stays:
        status, body = read_answer(stays)
        assert (status, len(body)) == (200, FILE_BYTES)
        assert stays.recv(1) == b""
        assert nothing_is_left_open(trial, before)


def test_a_client_that_sends_its_head_too_slowly_is_disconnected(trial):
    """The deadline is of the whole head. Each byte comes in time."""
    with socket.create_connection(trial.address, TIMEOUT_S) as idle:
        with socket.create_connection(trial.address, TIMEOUT_S) as slow:
            slow.sendall(b"GET /echo HTTP/1.1\r\nX-Slow: ")
            wait_for(lambda: is_ended(slow), "the end of the slow connection")
        assert idle.recv(1) == b""


def is_ended(connection):
    """Send one more byte of a head. Whether the server has ended the connection."""
    try:
        connection.sendall(b"x")
        return bool(select.select([connection], [], [], 0)[0])
    except ConnectionError:
        return True


@pytest.mark.parametrize("part", ["GET /echo", "GET /file", "POST /echo\r\nContent-Length: 100000"])
def test_clients_that_leave_in_any_phase_leave_no_file_open(trial, part):
    before = trial.open()
    for _ in range(10):
        trial.connect(*part.split("\r\n"), body=b"" if part.startswith("GET") else b"x" * 80_000).close()
    assert nothing_is_left_open(trial, before)


def test_an_arriving_body_is_kept_in_a_file_not_in_memory(trial):
    before = trial.open()
    with trial.connect("POST /echo", "Content-Length: 1000000", body=b"x" * 200_000):
        wait_for(lambda: trial.open() >= before + 2, "the connection and the file")
    assert nothing_is_left_open(trial, before)


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("headers", "body", "status", "answer"),
    [
        ((CHUNKED,), b"2;name=value\r\nab\r\n0\r\n\r\n", 200, b"ab"),
        ((CHUNKED, "Trailer: X-Sum"), b"2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n", 200, b"ab"),
        # Both headers, in any order: the chunks count and the connection is closed (RFC 9112, 6.1).
        ((CHUNKED, "Content-Length: 1"), b"2\r\nab\r\n0\r\n\r\n", 200, b"ab"),
        (("Content-Length: 1", CHUNKED), b"2\r\nab\r\n0\r\n\r\n", 200, b"ab"),
        (("Content-Length: 2", "Content-Length: 2"), b"ab", 200, b"ab"),
        (("Content-Length: 2", "Content-Length: 3"), b"ab", 400, b""),
        (("Content-Length: 2, 2",), b"ab", 400, b""),
        (("Content-Length: +2",), b"ab", 400, b""),
        (("Content-Length: -1",), b"", 400, b""),
        (("Transfer-Encoding: gzip",), b"ab", 400, b""),
        (("Transfer-Encoding: chunked, gzip",), b"2\r\nab\r\n0\r\n\r\n", 400, b""),
        ((CHUNKED,), b"0x2\r\nab\r\n0\r\n\r\n", 400, b""),
        ((CHUNKED,), b"ffffffffffffffffff\r\nab\r\n0\r\n\r\n", 400, b""),
        ((CHUNKED,), b"2\r\nabc\r\n0\r\n\r\n", 400, b""),
    ],
)
def test_the_end_of_a_body_is_unambiguous(trial, headers, body, status, answer):
    with trial.connect("POST /echo", *headers, "Connection: close", body=body) as connection:
        told, got = read_answer(connection)
        assert told == status
        if status == 200:
            assert got == answer
        assert connection.recv(1) == b""


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key", "Stripe-Signature"])
@pytest.mark.parametrize("values", [("one", "other"), ("same", "same")])
def test_a_repeated_singleton_header_is_a_400(trial, name, values):
    head = [f"{name}: {value}" for value in values]
    with trial.connect("POST /echo", *head, "Content-Length: 100000", body=b"x") as connection:
        assert read_answer(connection) == (400, b"malformed_request")
        assert connection.recv(1) == b""


@pytest.mark.parametrize("headers", [(CHUNKED, "Content-Length: 1"), ("Content-Length: 1", CHUNKED)])
def test_a_request_with_two_lengths_closes_its_connection(trial, headers):
    smuggled = b"GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with trial.connect("POST /echo", *headers, body=b"2\r\nab\r\n0\r\n\r\n" + smuggled) as connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(b"\r\n\r\nab")


def test_data_after_a_refused_body_is_not_read_as_a_request(trial):
    smuggled = b"GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with trial.connect("POST /refuse", "Content-Length: 1000", body=smuggled) as connection:
        assert read_answer(connection) == (401, b"no")
        assert connection.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(trial):
    second = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nsecond"
    third = b"GET /refuse HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with trial.connect("POST /echo", "Content-Length: 5", body=b"first" + second + third) as connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [b"first", b"second", b"no"]


@pytest.mark.parametrize("path", ["/break-off", "/stop-iteration", "/exit"])
def test_an_answer_that_fails_midway_is_a_500(trial, path):
    assert trial.ask(f"GET {path}") == (500, b"The error has been logged.\n")


def test_an_answer_may_read_the_body_while_it_is_produced(trial):
    with trial.connect("POST /read-late", "Content-Length: 100000", body=b"x" * 50_000) as connection:
        connection.sendall(b"x" * 50_000)
        assert read_answer(connection) == (200, b"x" * 100_000)


@pytest.mark.parametrize("path", ["/announce-too-much", "/cut-short"])
def test_an_answer_shorter_than_announced_is_a_500(trial, path):
    before = trial.open()
    assert trial.ask(f"GET {path}") == (500, b"The error has been logged.\n")
    assert nothing_is_left_open(trial, before)


def test_an_assembled_body_is_sent_whole(trial):
    status, body = trial.ask("GET /assembled")
    assert (status, body) == (200, b"head" + trial.log.with_name("recording").read_bytes() + b"tail")


def test_slow_readers_of_assembled_bodies_occupy_no_thread(trial):
    before = trial.open()
    with ExitStack() as connected:
        for _ in range(3 * THREADS):
            slow = connected.enter_context(trial.connect("GET /assembled", buffer=4096))
            assert slow.recv(12) == b"HTTP/1.1 200"
        assert trial.ask("GET /refuse") == (401, b"no")
    assert nothing_is_left_open(trial, before)


def test_a_store_that_fails_is_an_error_before_the_first_byte_only(trial):
    status, _ = trial.ask("GET /fails-at-once")
    assert status == 503
    with trial.connect("GET /fails-later") as connection:
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    assert received.startswith(b"HTTP/1.1 200")
    assert 4_000_000 < len(received) < FILE_BYTES


def test_an_answer_without_a_body_may_announce_a_length(trial):
    with trial.connect("HEAD /announce-too-much") as connection:
        assert read_answer(connection, method="HEAD") == (200, b"")


def test_a_file_truncated_while_sent_closes_the_connection(trial):
    path = trial.log.with_name("shrinking")
    path.write_bytes(bytes(FILE_BYTES))
    with trial.connect("GET /shrinking", buffer=65536) as connection:
        assert connection.recv(12) == b"HTTP/1.1 200"
        os.truncate(path, FILE_BYTES // 2)
        assert sum(map(len, iter(lambda: connection.recv(1 << 20), b""))) < FILE_BYTES
