import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.idempotency.fingerprint import Fingerprint, Fingerprinted

JSON = "application/json"
FORM = "multipart/form-data; boundary={}"


def of(*pieces, content_type=JSON, query=""):
    fingerprint = Fingerprint(content_type, query)
    for piece in pieces:
        fingerprint.update(piece)
    return fingerprint.digest()


def form(boundary, *parts):
    return (
        b"".join(b"--" + boundary + b"\r\n\r\n" + part + b"\r\n" for part in parts)
        + b"--"
        + boundary
        + b"--\r\n"
    )


def of_form(boundary, *parts):
    return of(form(boundary, *parts), content_type=FORM.format(boundary.decode()))


@pytest.mark.parametrize(
    "other",
    [
        of(b'{"a": 2}'),
        of(b'{"a":1}'),
        of(b'{"a": 1}', content_type="text/plain"),
        of(b'{"a": 1}', query="a=1"),
        of(b"1}", query='{"a": '),
        of(),
    ],
)
def test_another_body_type_or_query_is_another_request(other):
    assert of(b'{"a": 1}') != other


def test_parameters_of_the_type_and_its_case_do_not_matter():
    assert of(b"{}") == of(b"{}", content_type="Application/JSON; charset=utf-8")


def test_a_form_with_another_boundary_is_the_same_request():
    assert of_form(b"first", b"a file", b"a field") == of_form(b"second-and-longer", b"a file", b"a field")


@pytest.mark.parametrize(
    "parts", [(b"a file", b"another field"), (b"a file",), (b"a file", b"a field", b""), (b"a filea field",)]
)
def test_a_form_with_other_content_is_another_request(parts):
    assert of_form(b"first", b"a file", b"a field") != of_form(b"second", *parts)


def test_a_boundary_inside_the_content_makes_no_forms_equal():
    assert of_form(b"first", b"--second") != of_form(b"second", b"--first")
    assert of_form(b"first", b"a", b"b") != of_form(b"second", b"a\r\n--first\r\n\r\nb")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "", "nonsense;;;=", 'multipart/form-data; boundary="']
)
def test_a_type_that_cannot_be_read_is_fingerprinted_like_any_other(content_type):
    assert of(b"--x", content_type=content_type) != of(b"--y", content_type=content_type)


@given(st.lists(st.sampled_from([b"-", b"--", b"b", b"--b", b"x", b"--bb", b"---b"]), max_size=20), st.data())
def test_the_fingerprint_does_not_depend_on_the_chunks(words, data):
    body = b"".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    for content_type in (JSON, FORM.format("bb"), FORM.format("b")):
        assert of(*pieces, content_type=content_type) == of(body, content_type=content_type)


def test_every_way_to_read_the_body_updates_the_fingerprint():
    fingerprint = Fingerprint(JSON, "")
    stream = io.BufferedReader(Fingerprinted(io.BytesIO(b"line 1\nline 2\nand the rest"), fingerprint))
    assert stream.readline() == b"line 1\n"
    assert stream.read(3) == b"lin"
    assert list(stream) == [b"e 2\n", b"and the rest"]
    assert stream.read() == b""
    assert fingerprint.size == 26
    assert fingerprint.digest() == of(b"line 1\nline 2\nand the rest")
