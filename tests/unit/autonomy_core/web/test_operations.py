"""What a view can declare."""

from dataclasses import fields

import pytest

from autonomy_core.plugin_api.operations import PUBLIC, Details, Operation, api_view
from autonomy_core.plugin_api.resources import Admin

EVERY_CALL_HAS = {"context", "method", "name", "summary", "permission"}
SET_BY_THE_CORE = {"plugin", "id", "description"}


def test_all_of_an_operation_can_be_declared_but_what_the_core_sets():
    declared = {field.name for field in fields(Operation)} - EVERY_CALL_HAS - SET_BY_THE_CORE
    assert set(Details.__annotations__) == declared


@pytest.mark.parametrize("name", ["return_", "renderer", "plugin"])
def test_what_cannot_be_declared_is_refused_where_it_is_written(name):
    with pytest.raises(TypeError, match=name):

        @api_view(context=Admin, method="GET", summary="Look", permission=PUBLIC, **{name: None})
        def look(context, request): ...
