"""Field types of request and response bodies."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from autonomy_core.fields import canonical_email
from autonomy_core.plugin_api.schemas import (
    ApiSchema,
    Day,
    EmailField,
    Identifier,
    LanguageTag,
    NumberInText,
    PageQuery,
    StrictBoolean,
    Text,
    Timestamp,
    WholeNumber,
    page_of,
)


class EverySchema(ApiSchema):
    number = WholeNumber()
    truth = StrictBoolean()
    when = Timestamp()


@pytest.mark.parametrize("number", [0, -7, 12, 12.0, 1e3])
def test_a_number_without_a_fraction_is_an_integer(number):
    loaded = EverySchema().load({"number": number})["number"]
    assert loaded == number
    assert isinstance(loaded, int)


@pytest.mark.parametrize("number", ["12", 12.5, float("nan"), float("inf"), True, None, [], {}])
def test_other_values_are_no_integer(number):
    with pytest.raises(ValidationError):
        EverySchema().load({"number": number})


@pytest.mark.parametrize("number", [2**53, -(10**22), 1e300])
def test_a_number_that_is_too_large_is_called_so(number):
    assert refused(EverySchema, {"number": number}) == {"number": ["The number is too large."]}
    assert refused(NumberSchema, {"n": "9" * 5000}) == {"n": ["The number is too large."]}


def test_a_refused_value_is_told_how_to_write_it():
    told = refused(EverySchema, {"number": "12", "truth": "no", "when": "tomorrow"})
    assert "20" in told["number"][0]
    assert "true or false" in told["truth"][0]
    assert "2026-11-30T18:00:00Z" in told["when"][0]


def refused(schema, values):
    with pytest.raises(ValidationError) as error:
        schema().load(values)
    return error.value.messages


@pytest.mark.parametrize("truth", [0, 1, "true", "no", None, [], 0.0])
def test_only_true_and_false_are_booleans(truth):
    assert EverySchema().load({"truth": False}) == {"truth": False}
    with pytest.raises(ValidationError):
        EverySchema().load({"truth": truth})


def test_a_time_is_written_in_utc_with_a_z():
    noon = datetime(2030, 1, 2, 12, tzinfo=UTC)
    assert EverySchema().dump({"when": noon}) == {"when": "2030-01-02T12:00:00Z"}


def test_a_day_has_one_spelling():
    schema = ApiSchema.from_dict({"day": Day()})
    assert schema().load({"day": "2026-11-30"}) == {"day": date(2026, 11, 30)}
    for text in ("20261130", "2026-W49-1", "2026-11-31", "0001-01-01", "9999-12-31", "2026-11-30 ", 20261130):
        with pytest.raises(ValidationError):
            schema().load({"day": text})


def test_an_unknown_member_is_refused():
    with pytest.raises(ValidationError, match="Unknown field"):
        EverySchema().load({"nmuber": 1})


def test_a_query_has_a_default_limit():
    assert PageQuery().load({}) == {"limit": 50, "cursor": None}


def test_a_list_of_one_kind_has_one_schema():
    assert page_of(EverySchema) is page_of(EverySchema)
    assert page_of(EverySchema).__name__ == "EveryPage"


def test_a_time_of_another_zone_is_converted_to_utc():
    here = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert EverySchema().dump({"when": here}) == {"when": "2025-12-31T22:00:00Z"}
    assert EverySchema().dump({"when": None}) == {"when": None}


class TextsSchema(ApiSchema):
    title = Text(5)
    story = Text(20, lines=True, blank=True)


def test_a_text_is_kept_in_one_form_and_measured_in_it():
    assert TextsSchema().load({"title": " e\u0301e\u0301e\u0301e\u0301e\u0301 "}) == {"title": "ééééé"}
    assert TextsSchema().load({"story": "one\r\ntwo"}) == {"story": "one\ntwo"}
    assert TextsSchema().load({"story": " "}) == {"story": ""}


@pytest.mark.parametrize(
    "title", ["", " ", "\u200b", "a\u202eb", "a\nb", "a\ud800", "abcdef", 1, None, ["a"]]
)
def test_unreadable_text_is_refused_by_the_name_of_its_field(title):
    with pytest.raises(ValidationError) as refused:
        TextsSchema().load({"title": title})
    assert list(refused.value.messages) == ["title"]


def test_an_id_has_one_spelling_but_for_its_case():
    spelled = "0199d1a0-0000-7000-8000-00000000000a"
    assert IdSchema().load({"id": spelled}) == IdSchema().load({"id": spelled.upper()})
    for other in (spelled.replace("-", ""), f"{{{spelled}}}", f"urn:uuid:{spelled}", f" {spelled}", 17, None):
        with pytest.raises(ValidationError):
            IdSchema().load({"id": other})


class IdSchema(ApiSchema):
    id = Identifier()


@pytest.mark.parametrize("text", ["0", "12", "-7"])
def test_a_number_in_a_text_is_spelled_as_json_spells_it(text):
    assert NumberSchema().load({"n": text}) == {"n": int(text)}


@pytest.mark.parametrize(
    "text", ["", "1_0", "+1", "\u0669", "007", "1.0", "1e3", " 1", "1 ", "-", "0x1", "9" * 17, 1, True]
)
def test_other_spellings_are_no_number(text):
    with pytest.raises(ValidationError):
        NumberSchema().load({"n": text})


class NumberSchema(ApiSchema):
    n = NumberInText()


@pytest.mark.parametrize(
    "when", ["2030-01-02T12:00:00Z", "2030-01-02t12:00:00.25+00:00", "2030-01-02T14:00:00+02:00"]
)
def test_a_time_is_read_as_rfc_3339_writes_it(when):
    assert EverySchema().load({"when": when})["when"].astimezone(UTC).hour == 12


@pytest.mark.parametrize(
    "when", ["2030-01-02", "2030-01-02T12:00:00", "20300102T120000Z", "2030-W01-3T12:00:00Z", 1, None]
)
def test_no_other_spelling_is_a_time(when):
    with pytest.raises(ValidationError):
        EverySchema().load({"when": when})


@pytest.mark.parametrize("when", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_utc_cannot_express_is_refused(when):
    with pytest.raises(ValidationError):
        EverySchema().load({"when": when})


@given(st.text(), st.from_regex(r"[A-Za-z]+\.[A-Za-z]+", fullmatch=True))
def test_the_canonical_form_of_an_address_is_its_own_canonical_form(local_part, domain):
    once = canonical_email(local_part, domain)
    local_part, _, domain = once.rpartition("@")
    assert canonical_email(local_part, domain) == once


def test_an_address_is_stored_in_lower_case_and_its_domain_in_ascii():
    assert EmailField().deserialize("Ada@B\u00fccher.Example") == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["", "ada", "ada@", "a@b\nBcc: c@example.org", f"{'a' * 250}@b.example"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValidationError):
        EmailField().deserialize(text)


@pytest.mark.parametrize(("text", "tag"), [("de", "de"), ("DE-at", "de-AT"), ("zh-hant-tw", "zh-Hant-TW")])
def test_a_language_has_one_spelling(text, tag):
    assert LanguageTag().deserialize(text) == tag


@pytest.mark.parametrize("text", ["", "german", "de_AT", "xx", "de-", 5])
def test_what_is_no_language_is_refused(text):
    with pytest.raises(ValidationError):
        LanguageTag().deserialize(text)
