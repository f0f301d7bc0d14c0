"""The schema of a registration."""

import time

import pytest
from marshmallow import ValidationError

from customer_auth.schemas import RegistrationSchema

ADA = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "\u3164", "\ufe0f", "Ada\u202e", "\ufeffAda", "Ada\nLovelace", "A" * 201]
)
def test_an_unreadable_name_is_refused(name):
    with pytest.raises(ValidationError) as refused:
        RegistrationSchema().load({**ADA, "name": name})
    assert list(refused.value.messages) == ["name"]


def test_a_name_is_normalised():
    assert RegistrationSchema().load({**ADA, "name": " Ade\u0301 "})["name"] == "Adé"


def test_a_long_password_of_marks_is_refused_before_it_is_composed():
    began = time.process_time()
    with pytest.raises(ValidationError, match="8 to 256 characters"):
        RegistrationSchema().load({**ADA, "password": "a" + "\u0327\u0300" * 1_000_000})
    # Composing it would take a quarter of an hour.
    assert time.process_time() - began < 10


def test_a_password_is_measured_as_it_is_hashed():
    assert RegistrationSchema().load({**ADA, "password": "e\u0301" * 256})
    with pytest.raises(ValidationError, match="8 to 256 characters"):
        # 128 ligatures are hashed as 384 letters.
        RegistrationSchema().load({**ADA, "password": "\ufb03" * 128})
    with pytest.raises(ValidationError, match="8 to 256 characters"):
        RegistrationSchema().load({**ADA, "password": "e\u0301" * 7})


def test_one_typed_character_counts_as_one():
    with pytest.raises(ValidationError, match="8 to 256 characters"):
        # This character is hashed as 18 letters.
        RegistrationSchema().load({**ADA, "password": "\ufdfa"})
