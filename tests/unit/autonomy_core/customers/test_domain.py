"""The rules of customers."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from autonomy_core.customers.domain import LOCALE, customer_of, for_audit, holds_address, token_for

ADA = UUID("0198c0de-0000-7000-8000-000000000001")
BOB = UUID("0198c0de-0000-7000-8000-000000000002")
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def test_the_token_of_a_link_names_its_customer():
    assert customer_of([KEY], token_for(KEY, ADA)) == ADA


def test_a_token_stays_valid_while_the_servers_secret_is_replaced():
    assert customer_of([OTHER_KEY, KEY], token_for(KEY, ADA)) == ADA


@pytest.mark.parametrize(
    "token",
    [
        "",
        ADA.hex,
        f"{ADA.hex}.",
        token_for(OTHER_KEY, ADA),
        token_for(KEY, ADA).replace(ADA.hex, BOB.hex),
        token_for(KEY, ADA)[:-1],
        token_for(KEY, ADA) + "\n",
        token_for(KEY, ADA).upper(),
    ],
)
def test_another_token_names_no_customer(token):
    assert customer_of([KEY], token) is None


@pytest.mark.parametrize("tag", ["de", "en-GB", "pt-BR", "zh-Hant-TW", "es-419", "gsw"])
def test_a_language_tag_in_its_usual_case_is_taken(tag):
    assert LOCALE.fullmatch(tag)


@pytest.mark.parametrize("tag", ["", "DE", "de_DE", "de-de", "english", "de-DE\n", "../de", "x-klingon"])
def test_other_tags_are_refused(tag):
    assert not LOCALE.fullmatch(tag)


def test_the_audit_log_keeps_that_a_name_changed_and_not_the_name():
    moment = datetime(2026, 11, 30, 12, tzinfo=UTC)
    values = {"name": "Ada", "email": "ada@example.org", "locale": "de", "marketing_at": moment}
    assert for_audit(values) == {
        "name": "(personal)",
        "email": "(personal)",
        "locale": "de",
        "marketing_at": "2026-11-30T12:00:00+00:00",
    }


def test_the_audit_log_keeps_that_there_was_no_name():
    assert for_audit({"name": ""}) == {"name": ""}


@pytest.mark.parametrize(
    ("text", "holds"),
    [("asked by ada@example.org", True), ("a@b", True), ("3 @ 5 euros", False), ("a stolen card", False)],
)
def test_a_reason_with_an_address_is_recognised(text, holds):
    assert holds_address(text) is holds
