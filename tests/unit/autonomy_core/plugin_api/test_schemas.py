"""Types of the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from marshmallow import ValidationError

from autonomy_core.plugin_api.schemas import ApiSchema, PageQuery, Timestamp, Truth, WholeNumber, page_of


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
