"""The language of a page: what the query, a cookie, the browser and the organisation want, in this order."""

from types import SimpleNamespace

import pytest
from pyramid.request import Request

from autonomy_core.pages.negotiation import chosen_in, language_of

AVAILABLE = ("de", "en")


def request(query="", *, cookie=None, header=None, locale=None):
    headers = {"Accept-Language": header} if header is not None else {}
    made = Request.blank(f"/?{query}", headers=headers)
    made.organisation = SimpleNamespace(locale=locale)
    if cookie is not None:
        made.cookies["lang"] = cookie
    return made


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (request(), "en"),
        (request(locale="de"), "de"),
        (request(header="de"), "de"),
        (request(header="de-AT, en;q=0.9"), "de-AT"),
        (request(header="fr, en;q=0.5, de;q=0.7"), "de"),
        (request(header="de;q=0, en"), "en"),
        (request(header="*", locale="de"), "de"),
        (request(header="tlh-Latn-x-private", locale="de"), "de"),
        (request(header="de" * 300, locale="en"), "en"),
        (request(header="\x80 nonsense;;", locale="de"), "de"),
        (request(header="de", cookie="en"), "en"),
        (request(header="de", cookie="xx"), "de"),
        (request("lang=de", cookie="en", header="en"), "de"),
        (request("lang=%22%3E", header="de"), "de"),
        (request("lang=fr", header="de"), "de"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.query_string or "request",
)
def test_the_most_wanted_language_that_is_there_is_chosen(asked, language):
    assert language_of(asked, AVAILABLE).wanted == language


def test_a_choice_is_remembered_as_a_tag_and_not_as_it_was_sent():
    assert chosen_in(request("lang=de-at.x%0D%0ASet-Cookie:%20a=b")) == "de-AT"
