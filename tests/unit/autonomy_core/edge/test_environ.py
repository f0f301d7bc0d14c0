"""The WSGI environ that is made from the head of a request."""

import pytest

from autonomy_core.edge.environ import make_environ

SCOPE = {
    "method": "POST",
    "raw_path": b"/",
    "query_string": b"",
    "server": ("acme.example", 80),
    "client": ("192.0.2.1", 1),
    "scheme": "http",
    "http_version": "1.1",
}


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ([], "0"),
        ([(b"content-length", b"7")], "7"),
        ([(b"transfer-encoding", b"chunked")], None),
    ],
)
def test_a_request_without_a_length_and_without_chunks_has_no_body(headers, length):
    environ = make_environ(SCOPE | {"headers": [(b"host", b"acme.example"), *headers]})
    assert environ.get("CONTENT_LENGTH") == length


def test_a_request_of_http_2_may_have_a_body_without_a_length():
    environ = make_environ(SCOPE | {"headers": [], "http_version": "2"})
    assert "CONTENT_LENGTH" not in environ
