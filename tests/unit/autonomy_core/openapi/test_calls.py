"""The paths of operations are found in the resource tree, class by class."""

from types import SimpleNamespace

from autonomy_core.kernel.identity import SCOPES
from autonomy_core.openapi.calls import calls_of
from autonomy_core.openapi.security import security_of
from autonomy_core.plugin_api.operations import PUBLIC, Operation
from autonomy_core.plugin_api.resources import (
    Admin,
    ApiV1,
    Collection,
    Customers,
    Resource,
)
from autonomy_core.plugin_api.security import Permission
from autonomy_core.traversal.resources import Child, WebhookProvider, Webhooks


class Shelf(Resource):
    pass


class Glass(Shelf):
    pass


class Door(Resource):
    is_public = True


class Shelves(Collection):
    item = Glass
    parameter = "shelf_id"


class Endpoint(Resource):
    pass


class Provider(WebhookProvider):
    endpoint = Endpoint


def operation(context, method="GET", name="", permission=PUBLIC, plugin=None, id=""):
    return Operation(context, method, name, "Do", permission, plugin=plugin, id=id)


def registry(*operations, **children):
    tree = {
        ApiV1: {
            "shelves": Child(Shelves, None),
            "customers": Child(Customers, None),
            "admin": Child(Admin, None),
        },
        Webhooks: {"bank": Child(Provider, "bank")},
        Admin: {"shelves": Child(Shelves, None)},
        Customers: {"mine": Child(Shelf, None), "door": Child(Door, None)},
        Door: {"behind": Child(Glass, None)},
    }
    return SimpleNamespace(operations=list(operations), children={**tree, **children.get("children", {})})


def paths(found, enabled=()):
    return sorted(f"{call.operation.method} {call.path}" for call in calls_of(found, enabled))


def test_an_operation_is_found_wherever_its_class_is_in_the_tree():
    found = registry(operation(Glass))
    assert paths(found) == [
        "GET /admin/shelves/{shelf_id}",
        "GET /customers/door/behind",
        "GET /shelves/{shelf_id}",
    ]


def test_an_operation_of_a_base_class_is_its_subclasses_as_well():
    found = registry(operation(Shelf, name="dust", method="POST"))
    assert "POST /shelves/{shelf_id}/dust" in paths(found)
    assert "POST /customers/mine/dust" in paths(found)


def test_the_operation_of_the_more_specific_class_wins():
    found = registry(operation(Shelf, id="any"), operation(Glass, id="glass"))
    chosen = {call.path: call.operation.id for call in calls_of(found, ())}
    assert chosen["/shelves/{shelf_id}"] == "glass"
    assert chosen["/customers/mine"] == "any"


def test_operations_of_a_disabled_plugin_are_left_out():
    found = registry(
        operation(Shelves, plugin="bank"),
        operation(Endpoint, "POST", plugin="bank"),
        operation(Shelves, "POST"),
    )
    assert paths(found) == ["POST /admin/shelves", "POST /shelves"]
    assert "POST /api/webhook/bank/{organisation_id}" in paths(found, ("bank",))
    assert "GET /shelves" in paths(found, ("bank",))


def test_an_id_in_the_path_is_a_parameter():
    (call,) = (one for one in calls_of(registry(operation(Glass)), ()) if one.path.startswith("/shelves"))
    assert call.place.parameters == (("shelf_id", {"type": "string", "format": "uuid"}),)


def test_a_class_below_itself_is_walked_once():
    found = registry(operation(Shelf), children={Shelf: {"inner": Child(Shelf, None)}})
    assert paths(found).count("GET /customers/mine") == 1


def test_the_security_of_a_call_follows_from_permission_and_path():
    def shown(context, permission, path):
        found = registry(operation(context, permission=permission))
        calls = calls_of(found, ())
        return next(security_of(call, {*SCOPES, "bonus.give"}) for call in calls if call.path == path)

    assert shown(Shelves, PUBLIC, "/shelves") == []
    assert shown(Customers, PUBLIC, "/customers") == []
    assert shown(Shelf, PUBLIC, "/customers/mine") == [{"customer": []}]
    assert shown(Door, PUBLIC, "/customers/door") == []
    assert shown(Door, Permission.OWN, "/customers/door") == [{"customer": []}]
    assert shown(Glass, PUBLIC, "/customers/door/behind") == []
    assert shown(Shelf, Permission.OWN, "/customers/mine") == [{"customer": []}]
    assert shown(Shelf, Permission.LISTEN, "/customers/mine") == [{"customer": []}, {"link": []}]
    assert shown(Shelves, PUBLIC, "/admin/shelves") == [{"staff": []}]
    assert shown(Shelves, Permission.READ_CATALOG, "/admin/shelves") == [{"staff": ["catalog.read"]}]
    assert shown(Shelves, "bonus.give", "/admin/shelves") == [{"staff": ["bonus.give"]}]
    assert shown(Shelves, "bonus.give", "/shelves") == [{"staff": ["bonus.give"]}]
