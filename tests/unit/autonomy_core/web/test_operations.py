"""The declaration of a view."""

from dataclasses import fields

import pytest

from autonomy_core.plugin_api.operations import PUBLIC, Details, Operation, api_view
from autonomy_core.plugin_api.resources import Admin

EVERY_CALL_HAS = {"context", "method", "name", "summary", "permission"}
SET_BY_THE_CORE = {"plugin", "id", "description"}


def test_an_operation_declares_everything_but_the_cores_fields():
    declared = {field.name for field in fields(Operation)} - EVERY_CALL_HAS - SET_BY_THE_CORE
    assert set(Details.__annotations__) == declared


@pytest.mark.parametrize("name", ["return_", "renderer", "plugin"])
def test_an_invalid_declaration_is_refused_at_its_place(name):
    with pytest.raises(TypeError, match=name):

        @api_view(context=Admin, method="GET", summary="Look", permission=PUBLIC, **{name: None})
        def look(context, request): ...
