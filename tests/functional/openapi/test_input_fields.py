"""Input fields of all calls of the core and its plugins accept one spelling only."""

from marshmallow import fields

from autonomy_core.plugin_api.schemas import Text
from autonomy_core.web.input_fields import lax_fields, lax_fields_of
from media_mp3.schemas import UploadFieldsSchema

READ_BY_PEOPLE = {
    "name",
    "title",
    "artist",
    "album",
    "genre",
    "description",
    "reason",
    "text",
    "note",
    "comment",
}


def test_no_input_field_accepts_more_than_it_describes(autonomy):
    operations = autonomy.app.app.registry.operations
    assert len(operations) > 30
    assert [problem for operation in operations for problem in lax_fields(operation)] == []
    assert list(lax_fields_of(UploadFieldsSchema, fields.Float)) == []


def test_every_readable_field_is_a_text_field(autonomy):
    bodies = [one.body for one in autonomy.app.app.registry.operations if one.body is not None]
    plain = [
        f"{schema.__name__}.{name}"
        for schema in [*bodies, UploadFieldsSchema]
        for name, field in schema().load_fields.items()
        if name in READ_BY_PEOPLE and not isinstance(field, Text)
    ]
    assert plain == []
