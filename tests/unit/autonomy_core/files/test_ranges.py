"""Conditional and ranged requests, by the sections of RFC 9110."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.files.ranges import Decision, Representation, decide, parse_range

TAG = '"abc"'
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
SONG = Representation(
    size=1000, etag=TAG, last_modified=datetime(1994, 11, 6, 8, 49, 37, 250_000, tzinfo=UTC)
)


def get(**headers: str) -> Decision:
    return decide(SONG, "GET", {name.replace("_", "-"): value for name, value in headers.items()})


def test_without_conditions_the_whole_file_is_sent() -> None:
    decision = get()

    assert (decision.status, decision.start, decision.end_inclusive, decision.length) == (200, 0, 999, 1000)
    assert decision.headers == {
        "Accept-Ranges": "bytes",
        "ETag": TAG,
        "Last-Modified": DATE,
        "Content-Length": "1000",
    }


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ("bytes=0-", 0, 999),
        ("bytes=0-1", 0, 1),
        ("bytes=0-0", 0, 0),
        ("bytes=500-600", 500, 600),
        ("bytes=999-", 999, 999),
        ("bytes=0-5000", 0, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-1000", 0, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=-" + "9" * 5000, 0, 999),
        ("bytes=" + "0" * 5000 + "7-8", 7, 8),
        ("Bytes=0-1", 0, 1),
        ("bytes= 0-1 ", 0, 1),
        ("bytes=,0-1,", 0, 1),
    ],
)
def test_one_range_is_answered_with_that_part(value: str, start: int, end: int) -> None:
    decision = get(Range=value)

    assert (decision.status, decision.start, decision.end_inclusive) == (206, start, end)
    assert decision.headers["Content-Range"] == f"bytes {start}-{end}/1000"
    assert decision.headers["Content-Length"] == str(end - start + 1)
    assert decision.headers["ETag"] == TAG


@pytest.mark.parametrize("value", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=" + "9" * 5000 + "-"])
def test_a_range_outside_the_file_cannot_be_satisfied(value: str) -> None:
    decision = get(Range=value)

    assert decision.status == 416
    assert decision.headers["Content-Range"] == "bytes */1000"
    assert decision.length == 0


@pytest.mark.parametrize(
    "value",
    [
        "", "bytes", "bytes=", "bytes=-", "bytes=,", "bytes=5-2", "bytes=a-b", "bytes=1",
        "bytes=1--2", "bytes=-1-2", "bytes=1 -2", "bytes=+1-2", "bytes=0x1-2", "bytes=\u0661-\u0662",
        "items=0-1", "seconds=1-2", "bytes 0-1",
    ],
)  # fmt: skip
def test_a_malformed_range_or_another_unit_is_ignored(value: str) -> None:
    assert get(Range=value).status == 200


@pytest.mark.parametrize("value", ["bytes=0-1,5-6", "bytes=-1,0-0", "bytes=" + ",".join(["0-"] * 1300)])
def test_several_ranges_are_answered_with_the_whole_file(value: str) -> None:
    assert get(Range=value).status == 200


def test_an_empty_file_satisfies_no_range() -> None:
    empty = Representation(0, TAG)

    assert decide(empty, "GET", {}).length == 0
    assert decide(empty, "GET", {"Range": "bytes=0-"}).status == 416
    assert decide(empty, "GET", {"Range": "bytes=-5"}).status == 416


def test_head_ignores_a_range() -> None:
    decision = decide(SONG, "HEAD", {"Range": "bytes=0-1"})

    assert (decision.status, decision.headers["Content-Length"]) == (200, "1000")


@pytest.mark.parametrize(
    "validator", [TAG, DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_if_range_with_our_validator_lets_the_range_through(validator: str) -> None:
    assert get(Range="bytes=0-1", If_Range=validator).status == 206


@pytest.mark.parametrize(
    "validator",
    ['"other"', 'W/"abc"', "abc", "", '"abc', f'{TAG}, "other"', "Sun, 06 Nov 1994 08:49:38 GMT",
     "Sun, 06 Nov 1994 08:49:36 GMT", "yesterday"],
)  # fmt: skip
def test_if_range_with_anything_else_sends_the_whole_file(validator: str) -> None:
    assert get(Range="bytes=0-1", If_Range=validator).status == 200
    assert get(Range="bytes=5000-", If_Range=validator).status == 200


def test_if_range_with_a_date_needs_a_date_to_compare_with() -> None:
    assert decide(Representation(10, TAG), "GET", {"Range": "bytes=0-1", "If-Range": DATE}).status == 200


@pytest.mark.parametrize("listed", [TAG, "*", 'W/"abc"', '"x", "abc"', ', "x" ,, W/"abc",', '"a,b", "abc"'])
def test_if_none_match_with_our_tag_is_not_modified(listed: str) -> None:
    decision = get(If_None_Match=listed, Range="bytes=0-1")

    assert decision.status == 304
    assert decision.headers["ETag"] == TAG
    assert "Content-Length" not in decision.headers


@pytest.mark.parametrize("listed", ['"x"', "abc", "", '"a,"abc""', '"x" "abc"'])
def test_if_none_match_with_other_tags_sends_the_file(listed: str) -> None:
    assert get(If_None_Match=listed).status == 200


@pytest.mark.parametrize("listed", [TAG, "*", '"x", "abc"'])
def test_if_match_with_our_tag_proceeds(listed: str) -> None:
    assert get(If_Match=listed, Range="bytes=0-1").status == 206


@pytest.mark.parametrize("listed", ['"x"', 'W/"abc"', "abc", ""])
def test_if_match_without_our_tag_fails(listed: str) -> None:
    assert get(If_Match=listed, If_None_Match="*").status == 412


def test_dates_decide_where_there_is_no_tag() -> None:
    later, earlier = "Mon, 07 Nov 1994 08:49:37 GMT", "Sat, 05 Nov 1994 08:49:37 GMT"

    assert get(If_Modified_Since=DATE).status == 304
    assert get(If_Modified_Since=later).status == 304
    assert get(If_Modified_Since=earlier).status == 200
    assert get(If_Modified_Since="never").status == 200
    assert get(If_Modified_Since=DATE, If_None_Match='"x"').status == 200
    assert get(If_Unmodified_Since=DATE).status == 200
    assert get(If_Unmodified_Since=earlier).status == 412
    assert get(If_Unmodified_Since=earlier, If_Match=TAG).status == 200
    assert get(If_Unmodified_Since="never").status == 200


header_text = st.text(st.characters(max_codepoint=255), max_size=60)
range_like = st.from_regex(r"bytes=[0-9]{0,5}-[0-9]{0,5}(,[0-9]{0,5}-[0-9]{0,5})?", fullmatch=True)
names = st.sampled_from(
    ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
)


@given(size=st.integers(0, 10_000), value=range_like | header_text)
def test_a_satisfied_range_lies_within_the_file(size: int, value: str) -> None:
    bounds = parse_range(value, size)

    if bounds:
        start, end = bounds
        assert 0 <= start <= end < size


@given(size=st.integers(1, 10_000), data=st.data())
def test_a_range_selects_what_the_slice_of_that_range_is(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start, 2 * size))
    suffix = data.draw(st.integers(1, 2 * size))
    content = range(size)

    assert _selected(content, f"bytes={start}-{end}") == content[start : end + 1]
    assert _selected(content, f"bytes={start}-") == content[start:]
    assert _selected(content, f"bytes=-{suffix}") == content[-suffix:]


def _selected(content: range, value: str) -> range:
    bounds = parse_range(value, len(content))
    assert bounds
    return content[bounds[0] : bounds[1] + 1]


@given(
    size=st.integers(0, 10_000),
    method=st.sampled_from(["GET", "HEAD"]),
    headers=st.dictionaries(names, range_like | header_text | st.sampled_from([TAG, DATE, "*"])),
)
def test_any_headers_give_a_decision(size: int, method: str, headers: dict[str, str]) -> None:
    decision = decide(Representation(size, TAG, SONG.last_modified), method, headers)

    assert decision.status in {200, 206, 304, 412, 416}
    assert 0 <= decision.length <= size
    if decision.status in {200, 206}:
        assert decision.headers["Content-Length"] == str(decision.length)
    if decision.status in {206, 416}:
        assert "Range" in headers
        assert method == "GET"
