"""Makes HTML, and plain text, from the Markdown of a description.

The parser accepts CommonMark without HTML and images, and makes no other elements than `ELEMENTS`. So the
HTML needs no filter behind it: what is not in the grammar becomes text.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

ELEMENTS: Final = frozenset(
    (
        *("a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
        *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    )
)
"""Every element that a description can have."""

REL: Final = "nofollow noopener noreferrer ugc"
"""How a link relates to the page: search engines do not follow it, and the other page gets no address."""

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_FURTHEST: Final = 6


def _leads_to_a_page_or_mailbox(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return "@" in parts.path
    return parts.scheme in _SCHEMES and bool(parts.netloc)


class _Renderer(RendererHTML):
    """Writes the elements: links with `REL`, headings below those of the page."""

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        """Write the tag of a link, without a title."""
        tokens[idx].attrs = {"href": str(tokens[idx].attrs["href"]), "rel": REL}
        return self.renderToken(tokens, idx, options, env)

    def heading_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Write the tag of a heading: the page has levels 1 and 2."""
        return f"<{_level(tokens[idx])}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Write the end of a heading."""
        return f"</{_level(tokens[idx])}>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Write the tag of a cell without its alignment, which would be a style attribute."""
        return f"<{tokens[idx].tag}>"

    td_open = th_open

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """Write code without the name of its language."""
        return self.code_block(tokens, idx, options, env)


def _level(heading: Token) -> str:
    return f"h{min(int(heading.tag[1:]) + 2, _FURTHEST)}"


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}, renderer_cls=_Renderer)
    made.enable("table").disable(["html_block", "html_inline", "image"])
    made.validateLink = _leads_to_a_page_or_mailbox  # type: ignore[method-assign]
    return made


_PARSER = _parser()


_PLAIN: Final[Mapping[str, str]] = {"softbreak": " ", "hardbreak": "\n"}


def plain_text(markdown: str) -> str:
    """Return the text of a description without its markup, a line for each block.

    Args:
        markdown: see `rendered`.
    """
    blocks = (_text_of(token) for token in _PARSER.parse(markdown) if not token.nesting)
    return "\n".join(filter(None, blocks))


def _text_of(block: Token) -> str:
    parts = [block] if block.children is None else block.children
    return "".join(_PLAIN.get(part.type, part.content) for part in parts).strip()


@lru_cache(maxsize=1024)
def rendered(markdown: str) -> str:
    """Return the HTML of a description.

    Args:
        markdown: CommonMark with tables. HTML in it is shown as text.
    """
    return str(_PARSER.render(markdown)).strip()
