"""HTML and plain text from one Markdown text, with values that cannot become markup."""

import time

import pytest

from autonomy_core.mail.markup import as_html, as_text, insert, parse
from autonomy_core.mail.sandbox import CLOSE, OPEN

COLOURS = {"colour": "#112233", "on_colour": "#ffffff", "link": "#0b57a4"}
VALUE = f"{OPEN}0{CLOSE}"


def html(markdown, *values, direction="ltr"):
    return as_html(parse(markdown, values, direction), COLOURS)


def text(markdown, *values, direction="ltr"):
    return as_text(parse(markdown, values, direction))


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "# Heading",
    "**bold** _it_ `code`",
    "| a | b |\n|---|---|\n| c | d |",
    "\n\n- item\n\n    code",
    "&lt;b&gt; &amp; \\*",
    "{{ name }} {% if x %}",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "place", [VALUE, f"# {VALUE}", f"- {VALUE}", f"`{VALUE}`", f"a **{VALUE}** b", f"> {VALUE}"]
)
def test_a_value_never_becomes_markup(place, value):
    assert tags(html(place, value)) == tags(html(place, "x"))
    # What is shown is the value itself, on one line.
    assert " ".join(value.split()) in text(place, value).replace("\n> ", " ").replace("\n  ", " ").replace(
        "\n", " "
    )


def tags(page):
    return [part.split(">")[0] for part in page.split("<")[1:]]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/path",
        "https:",
        "https://a b.example",
        'https://a.example/"x',
        "mailto:",
        "vbscript:x",
        "https://[::1",
    ],
)
def test_a_link_to_anything_but_a_page_or_a_mailbox_is_none(url):
    assert "<a" not in html(f"[label](<{VALUE}>)", url)
    assert "label" in html(f"[label](<{VALUE}>)", url)


def test_the_address_of_a_link_is_the_value_exactly():
    url = "https://shop.example/a_b*c?x=1&y=2#token=Az_-9*"
    assert f'href="{url.replace("&", "&amp;")}"' in html(f"See [it]({VALUE}).", url)
    assert text(f"See [it]({VALUE}).", url) == f"See it <{url}>."


def test_a_link_alone_in_its_paragraph_is_a_button():
    url = "https://shop.example/"
    assert "background:#112233" in html(f"[Open]({VALUE})", url)
    assert text(f"[Open]({VALUE})", url) == f"Open:\n{url}"
    assert "background" not in html(f"Or [open]({VALUE})", url)


def test_a_mailbox_is_named_once_in_the_text():
    assert text("Write to [a@b.example](mailto:a@b.example).") == "Write to a@b.example."


def test_html_and_pictures_in_the_source_are_text():
    assert "<b>" not in html("<b>x</b>")
    assert "<img" not in html("![x](https://a.example/x.png)")


def test_every_element_has_its_style_in_an_attribute():
    page = html("# a\n\nb\n\n- c\n\n1. d\n\n> e\n\n---\n\n| f | g |\n|---|--:|\n| h | i |\n\n`j`")
    without = [part for part in page.split("<")[1:] if part[0].isalpha() and "style=" not in part]
    assert [part.split(">")[0] for part in without] == ["thead", "tr", "tbody", "tr"]


def test_a_table_is_aligned_in_the_text():
    table = "| Product | Price |\n|---|---:|\n| One | 5 |\n| 日本 | 500 |"
    assert text(table) == "Product  Price\nOne          5\n日本       500"


def test_a_table_without_a_head_has_none():
    table = "| | |\n|---|---|\n| a | b |"
    assert "<th" not in html(table)
    assert text(table) == "a  b"


def test_the_text_is_wrapped_but_no_address_is_broken():
    url = "https://shop.example/" + "x" * 100
    lines = text(f"{'word ' * 40}[here]({VALUE}) {'word ' * 40}", url).split("\n")
    assert [line for line in lines if len(line) > 72] == [f"<{url}>"]


def test_lists_and_quotes_keep_their_form():
    assert text("1. a\n2. b\n\n> c\n\n- d\n  - e") == "1. a\n2. b\n\n> c\n\n- d\n  - e"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_value_in_the_other_direction_is_isolated(direction):
    value = {"ltr": "דוד", "rtl": "David"}[direction]
    for shown in (text(VALUE, value, direction=direction), insert(VALUE, [value], direction)):
        assert shown == f"\u2068{value}\u2069"
    assert "\u2068" not in text(VALUE, {"ltr": "David", "rtl": "דוד"}[direction], direction=direction)


def test_a_value_cannot_change_the_direction_or_hide_text():
    assert insert(VALUE, ["a\u202eb\u2066c\x00d\x1b[31m\u200b\ufdd0\n\r\te"], "ltr") == "abcd[31m\u200b e"


@pytest.mark.parametrize(
    "markdown",
    [
        "[" * 20_000,
        ">" * 60_000,
        "*a " * 20_000,
        "`" * 60_000,
        "[a](<b" * 10_000,
        "|a" * 30_000,
        "- " * 30_000,
    ],
)
def test_no_text_takes_long_to_parse(markdown):
    began = time.process_time()
    html(markdown)
    assert time.process_time() - began < 5
