"""Makes HTML and plain text from one Markdown text.

The Markdown is CommonMark with tables, without HTML and images. The values of marks (see `sandbox`) are
inserted after the text was parsed. Styles are attributes, because many mail programs ignore style sheets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from textwrap import fill as wrap
from typing import Literal
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from autonomy_core.mail.sandbox import marks
from autonomy_core.texts import cleaned

Direction = Literal["ltr", "rtl"]

TEXT_WIDTH = 72
"""The width of the plain text, in characters. Only links may be longer."""

LONGEST_VALUE = 10_000
"""The rest of a longer value is not shown."""

_SPACE = re.compile("[\t-\r\x1c-\x1f\x85 \u2028\u2029]+")
"""Without the spaces at which a line must not be broken."""

_SCHEMES = frozenset({"https", "http", "mailto"})

_CELL = "padding:6px 12px 6px 0;border-bottom:1px solid #dddddd;vertical-align:top"

STYLES = {
    "a": "color:{link}",
    "blockquote": "margin:0 0 16px;padding:0 0 0 12px;border-inline-start:3px solid #dddddd",
    "code": "font-family:monospace;font-size:110%",
    "h1": "margin:0 0 16px;font-size:22px;line-height:28px",
    "h2": "margin:24px 0 8px;font-size:18px;line-height:24px",
    "h3": "margin:16px 0 8px;font-size:16px;line-height:24px",
    "hr": "border:0;border-top:1px solid #dddddd;margin:24px 0",
    "li": "margin:0 0 4px",
    "ol": "margin:0 0 16px;padding-inline-start:24px",
    "p": "margin:0 0 16px",
    "table": "margin:0 0 16px;border-collapse:collapse;width:100%",
    "td": _CELL,
    "th": f"{_CELL};text-align:start",
    "ul": "margin:0 0 16px;padding-inline-start:24px",
}
"""The style of each element."""

BUTTON = (
    "display:inline-block;padding:12px 24px;border-radius:4px;background:{colour};color:{on_colour};"
    "font-weight:bold;text-decoration:none"
)
"""The style of a link that is a paragraph of its own."""


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")
    made.disable(["html_block", "html_inline", "image", "reference", "entity"])
    # Links are checked after their values are inserted.
    made.normalizeLink = lambda url: url  # type: ignore[method-assign]
    made.validateLink = lambda _: True  # type: ignore[method-assign,assignment]
    return made


_PARSER = _parser()


def parse(markdown: str, literals: Sequence[str], direction: Direction) -> list[Token]:
    """Parse a text, and insert the values of its marks.

    Args:
        markdown: the text with marks.
        literals: the values of the marks.
        direction: the direction of the text's language. Values of the other direction are isolated.
    """
    tokens = _PARSER.parse(markdown)
    for token in tokens:
        if token.children is None:
            token.content = _inserted(token.content, literals, direction)
        else:
            token.children = _links_checked(list(_filled(token.children, literals, direction)))
    return tokens


def insert(text: str, literals: Sequence[str], direction: Direction) -> str:
    """Insert the values of marks into a text that is no Markdown, such as a subject.

    Args:
        text: the text with marks.
        literals: the values of the marks.
        direction: the direction of the text's language. Values of the other direction are isolated.
    """
    return " ".join(_inserted(text, literals, direction).split())


def one_line(text: str) -> str:
    """A value as it is shown: on one line, without characters that are invisible or change the display."""
    return cleaned(_SPACE.sub(" ", text), LONGEST_VALUE) or ""


def _inserted(text: str, literals: Sequence[str], direction: Direction) -> str:
    return "".join(
        _isolated(one_line(part), direction) if is_value else part for part, is_value in marks(text, literals)
    )


def _isolated(value: str, direction: Direction) -> str:
    """The value in isolates (UAX 9, section 2.4), if some of it is written in the other direction."""
    return f"\u2068{value}\u2069" if _has_other_direction(value, direction) else value


def _has_other_direction(value: str, direction: Direction) -> bool:
    other = {"R", "AL"} if direction == "ltr" else {"L"}
    return any(unicodedata.bidirectional(character) in other for character in value)


def _filled(children: Sequence[Token], literals: Sequence[str], direction: Direction) -> Iterator[Token]:
    for child in children:
        if child.type == "link_open":
            # No isolates, and no spaces: the value may be the whole address.
            href = "".join(one_line(part) for part, _ in marks(str(child.attrs["href"]), literals))
            child.attrs["href"] = href
        child.content = _inserted(child.content, literals, direction)
        yield child


def _links_checked(children: list[Token]) -> list[Token]:
    """The tokens without links that lead elsewhere than to a web page or a mailbox."""
    checked, is_good = [], True
    for child in children:
        if child.type == "link_open":
            is_good = _is_good_link(str(child.attrs["href"]))
        if is_good or child.type not in {"link_open", "link_close"}:
            checked.append(child)
    return checked


def _is_good_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    has_target = bool(parts.netloc) if parts.scheme != "mailto" else "@" in parts.path
    return parts.scheme in _SCHEMES and has_target and not re.search(r'[\s<>"\\]', url)


def as_html(tokens: Sequence[Token], colours: Mapping[str, str]) -> str:
    """Render parsed Markdown as HTML.

    Args:
        tokens: the result of `parse`.
        colours: ``colour`` of buttons, ``on_colour`` of the text on them, and ``link`` of links.
    """
    tokens = list(_without_empty_heads(tokens))
    for token, following in zip_longest(tokens, tokens[1:]):
        _style(token, colours)
        for child in token.children or ():
            _style(child, colours)
        is_paragraph = following is not None and token.type == "paragraph_open"
        if is_paragraph and (link := _button(following)) is not None:
            link.attrSet("style", BUTTON.format_map(colours))
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {}))


def _without_empty_heads(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens without the heads of tables that need none: Markdown requires one."""
    position = 0
    while position < len(tokens):
        end = _end_of(tokens, position)
        if tokens[position].type == "thead_open" and not any(each.content for each in tokens[position:end]):
            position = end + 1
            continue
        yield tokens[position]
        position += 1


def _style(token: Token, colours: Mapping[str, str]) -> None:
    if token.tag in STYLES and token.nesting >= 0:
        # The alignment of a table's cells is a style that the parser sets.
        aligned = f";{token.attrs['style']}" if "style" in token.attrs else ""
        token.attrSet("style", STYLES[token.tag].format_map(colours) + aligned)


def _button(inline: Token) -> Token | None:
    """The link that a paragraph consists of; None if it has anything else."""
    children = inline.children or []
    types = [child.type for child in children]
    is_one_link = len(types) > 1 and types[0] == "link_open" and types.index("link_close") == len(types) - 1
    return children[0] if is_one_link else None


def as_text(tokens: Sequence[Token]) -> str:
    """Render parsed Markdown as plain text.

    Args:
        tokens: the result of `parse`.
    """
    return "\n\n".join(_blocks(list(tokens)))


def _blocks(tokens: list[Token]) -> Iterator[str]:
    """The blocks of one level, as text."""
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = _end_of(tokens, position)
        inner = tokens[position + 1 : end]
        if token.type in _CONTAINERS:
            yield _CONTAINERS[token.type](token, inner)
        elif token.type == "inline":
            yield _wrapped(_inline(token))
        elif token.type == "hr":
            yield "-" * TEXT_WIDTH
        elif token.content:
            yield token.content.rstrip("\n")
        position = end + 1


def _end_of(tokens: Sequence[Token], begin: int) -> int:
    """The index of the token that closes another one."""
    depth = 0
    for index in range(begin, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1


def _heading(token: Token, inner: list[Token]) -> str:
    text = "\n".join(_blocks(inner))
    return f"{text}\n{'=' * min(_width(text), TEXT_WIDTH)}" if token.tag == "h1" else text


def _paragraph(_: Token, inner: list[Token]) -> str:
    inline = inner[0]
    link = _button(inline)
    if link is None:
        return _wrapped(_inline(inline))
    url = str(link.attrs["href"])
    label = _text_of((inline.children or [])[1:-1])
    return f"{label}:\n{url}" if label != url else label


def _quote(_: Token, inner: list[Token]) -> str:
    return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_blocks(inner)).split("\n"))


def _list(token: Token, inner: list[Token]) -> str:
    items = [each for each in _children(inner) if each[0].type == "list_item_open"]
    number = int(token.attrs.get("start", 1))
    lines = []
    for index, item in enumerate(items, start=number):
        sign = f"{index}. " if token.type == "ordered_list_open" else "- "
        text = "\n".join(_blocks(item[1:-1]))
        lines.append(sign + text.replace("\n", "\n" + " " * len(sign)))
    return "\n".join(lines)


def _table(_: Token, inner: list[Token]) -> str:
    """The rows, with aligned columns."""
    rows = [
        [(_inline(cell[1]), "right" in str(cell[0].attrs.get("style", ""))) for cell in _children(row[1:-1])]
        for part in _children(inner)
        for row in _children(part[1:-1])
    ]
    rows = [row for row in rows if any(text for text, _ in row)]
    widths = [max(_width(text) for text, _ in column) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(_padded, row, widths)).rstrip() for row in rows)


def _padded(cell: tuple[str, bool], width: int) -> str:
    text, is_right = cell
    space = " " * (width - _width(text))
    return space + text if is_right else text + space


def _width(text: str) -> int:
    """The columns of a text in a terminal."""
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else not unicodedata.combining(character)
        for character in text
        if unicodedata.category(character) != "Cf"
    )


def _children(tokens: list[Token]) -> list[list[Token]]:
    """The tokens of each element of one level."""
    found, position = [], 0
    while position < len(tokens):
        end = _end_of(tokens, position)
        found.append(tokens[position : end + 1])
        position = end + 1
    return found


_CONTAINERS: Mapping[str, Callable[[Token, list[Token]], str]] = {
    "blockquote_open": _quote,
    "bullet_list_open": _list,
    "heading_open": _heading,
    "ordered_list_open": _list,
    "paragraph_open": _paragraph,
    "table_open": _table,
}


def _inline(inline: Token) -> str:
    return _text_of(inline.children or [])


def _text_of(children: Sequence[Token]) -> str:
    """The text of a paragraph. A link is followed by its address."""
    parts: list[str] = []
    href, label_from = "", 0
    for child in children:
        if child.type == "link_open":
            href, label_from = str(child.attrs["href"]), len(parts)
        elif child.type == "link_close":
            label = "".join(parts[label_from:])
            if label not in {href, href.removeprefix("mailto:")}:
                parts.append(f" <{href.removeprefix('mailto:')}>")
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" " if child.type == "softbreak" else "\n")
        else:
            parts.append(child.content)
    return "".join(parts)


def _wrapped(text: str) -> str:
    return "\n".join(
        wrap(line, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")
    )
