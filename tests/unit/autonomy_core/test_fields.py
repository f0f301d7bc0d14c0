"""Types of the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from marshmallow import ValidationError

from autonomy_core.plugin_api.schemas import (
    ApiSchema,
    Identifier,
    NumberInText,
    PageQuery,
    Text,
    Timestamp,
    Truth,
    WholeNumber,
    page_of,
)


class EverySchema(ApiSchema):
    number = WholeNumber()
    truth = Truth()
    when = Timestamp()


@pytest.mark.parametrize("number", [0, -7, 12, 12.0, 1e3])
def test_a_number_without_a_fraction_is_whole(number):
    loaded = EverySchema().load({"number": number})["number"]
    assert loaded == number
    assert isinstance(loaded, int)


@pytest.mark.parametrize("number", ["12", 12.5, float("nan"), float("inf"), True, None, [], {}])
def test_nothing_else_is_a_whole_number(number):
    with pytest.raises(ValidationError):
        EverySchema().load({"number": number})


@pytest.mark.parametrize("truth", [0, 1, "true", "no", None, [], 0.0])
def test_nothing_but_true_and_false_is_a_truth(truth):
    assert EverySchema().load({"truth": False}) == {"truth": False}
    with pytest.raises(ValidationError):
        EverySchema().load({"truth": truth})


def test_a_time_is_written_in_utc_with_a_z():
    noon = datetime(2030, 1, 2, 12, tzinfo=UTC)
    assert EverySchema().dump({"when": noon}) == {"when": "2030-01-02T12:00:00Z"}


def test_a_member_that_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match="Unknown field"):
        EverySchema().load({"nmuber": 1})


def test_a_query_has_a_limit_though_none_is_given():
    assert PageQuery().load({}) == {"limit": 50, "cursor": None}


def test_a_list_of_one_kind_has_one_schema():
    assert page_of(EverySchema) is page_of(EverySchema)
    assert page_of(EverySchema).__name__ == "EveryPage"


def test_a_time_of_another_zone_is_told_in_utc():
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
def test_what_nobody_could_read_is_refused_by_the_name_of_its_field(title):
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
def test_nothing_else_is_a_number_in_a_text(text):
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
