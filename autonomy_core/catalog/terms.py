"""Stores the words by which products are found, and makes conditions of a search.

An index for full text or for trigrams (GIN) does not work below row-level security: its operators are not
leakproof, so PostgreSQL applies the policy first and never the index. Comparisons of text are leakproof. So
the words and their trigrams are rows. See docs/decisions/0060.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Float, and_, cast, delete, exists, false, func, select, text

from autonomy_core.catalog.domain import distinct, plain
from autonomy_core.catalog.models import Product, ProductDetails, ProductTerm, WordTrigram
from autonomy_core.kernel.listing import ListingKind
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit

TITLE, ARTIST, TAG, WORD = "title", "artist", "tag", "word"

MOST_WORDS: Final = 300
"""Of a product; the rest is not found."""

MOST_SEARCHED: Final = 8
"""Words of a search; the rest is ignored."""

LONGEST_WORD: Final = 50
SIMILAR: Final = 0.35
"""The least share of common trigrams of a word and a misspelt one."""

_STORE_TERMS: Final = text("""
    INSERT INTO product_terms (organisation_id, product_id, field, term)
    SELECT :organisation_id, :product_id, * FROM unnest(CAST(:fields AS text[]), CAST(:terms AS text[]))
""")
"""Arrays, because SQLAlchemy would compile an INSERT with several rows of VALUES again each time."""

_STORE_TRIGRAMS: Final = text("""
    INSERT INTO product_word_trigrams (organisation_id, trigram, word, size)
    SELECT :organisation_id, *
    FROM unnest(CAST(:trigrams AS text[]), CAST(:words AS text[]), CAST(:sizes AS smallint[]))
    ON CONFLICT DO NOTHING
""")

_MOST_SIMILAR: Final = 10
_AFTER_ALL: Final = "\U0010ffff"


def words_of(text: str) -> list[str]:
    """Return the distinct words of a text, in lower case and without accents."""
    return distinct(word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", plain(text)))


def trigrams_of(word: str) -> frozenset[str]:
    """Return the groups of three characters of a word, as pg_trgm forms them."""
    padded = f"  {word} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def store_terms(scope: TenantScope, product: Product, details: ProductDetails) -> None:
    """Replace the terms of a product. The caller holds the lock of the product."""
    titles = _titles_of_tracks(scope, product)
    texts = " ".join((product.title, details.artist or "", details.label or "", *details.tags, *titles))
    words = words_of(texts)[:MOST_WORDS]
    terms = {
        (TITLE, plain(product.title)),
        *((TAG, tag) for tag in details.tags),
        *((WORD, w) for w in words),
    }
    if details.artist:
        terms.add((ARTIST, plain(details.artist)))
    before = delete(ProductTerm).where(ProductTerm.product_id == product.id)
    scope.session.execute(before.execution_options(synchronize_session=False))
    own = {"organisation_id": scope.organisation.id, "product_id": product.id}
    in_fields, stored = map(list, zip(*sorted(terms), strict=True))
    scope.session.execute(_STORE_TERMS, {**own, "fields": in_fields, "terms": stored})
    _store_trigrams(scope, words)


def _titles_of_tracks(scope: TenantScope, product: Product) -> list[str]:
    """The titles of the tracks that visitors see."""
    kind = runtime_of(scope).product_kinds_for(scope.organisation).get(product.kind)
    if not isinstance(kind, ListingKind):
        return []
    with forbid_commit(scope):
        tracks = kind.tracks_of(scope, [product.id]).get(product.id, ())
    return [track.title for track in tracks]


def _store_trigrams(scope: TenantScope, words: Iterable[str]) -> None:
    # Sorted, so that two transactions that store the same words do not wait for each other.
    rows = sorted(
        (trigram, word, len(found)) for word in words for found in [trigrams_of(word)] for trigram in found
    )
    if not rows:
        return
    trigrams, of_words, sizes = map(list, zip(*rows, strict=True))
    values = {"trigrams": trigrams, "words": of_words, "sizes": sizes}
    scope.session.execute(_STORE_TRIGRAMS, {"organisation_id": scope.organisation.id, **values})


def has_term(field: str, term: str) -> ColumnElement[bool]:
    """The condition that a product has a term."""
    return _has(field, ProductTerm.term == term)


def matches(scope: TenantScope, text: str) -> ColumnElement[bool]:
    """The condition that a product has each word of a search, or words that begin with it.

    A word that no product of the organisation has stands for the similar words. A text without a word finds
    nothing.
    """
    words = words_of(text)[:MOST_SEARCHED]
    if not words:
        return false()
    known = scope.session.execute(
        select(*(exists().where(*_of_organisation(scope, word)) for word in words))
    ).one()
    unknown = [word for word, is_known in zip(words, known, strict=True) if not is_known]
    similar = {word: _similar_words(scope, word) for word in unknown}
    return and_(*(_has_word(word, similar.get(word)) for word in words))


def _of_organisation(scope: TenantScope, word: str) -> tuple[ColumnElement[bool], ...]:
    return ProductTerm.organisation_id == scope.organisation.id, ProductTerm.field == WORD, _begins(word)


def _begins(word: str) -> ColumnElement[bool]:
    return and_(ProductTerm.term >= word, ProductTerm.term < word + _AFTER_ALL)


def _has_word(word: str, instead: Collection[str] | None) -> ColumnElement[bool]:
    return _has(WORD, _begins(word) if instead is None else ProductTerm.term.in_(instead))


def _has(field: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    found = select(ProductTerm.product_id).where(
        ProductTerm.organisation_id == Product.organisation_id, ProductTerm.field == field, condition
    )
    return Product.id.in_(found)


def _similar_words(scope: TenantScope, word: str) -> Sequence[str]:
    trigrams = trigrams_of(word)
    common = func.count()
    share = cast(common, Float) / (WordTrigram.size + len(trigrams) - common)
    statement = (
        select(WordTrigram.word)
        .where(WordTrigram.trigram.in_(sorted(trigrams)))
        .group_by(WordTrigram.word, WordTrigram.size)
        .having(share >= SIMILAR)
        .order_by(share.desc(), WordTrigram.word)
        .limit(_MOST_SIMILAR)
    )
    return scope.session.scalars(statement).all()
