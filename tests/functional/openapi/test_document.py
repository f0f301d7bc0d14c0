"""The OpenAPI document of an organisation is complete and has nothing else."""

import re
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from autonomy_core.files.upload import UPLOAD_ID
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.openapi.calls import calls_of
from autonomy_core.plugin_api.resources import ApiV1
from autonomy_core.testing import stand_ins

ROOT = Path(__file__).parents[3]
STRIPE = {
    "environment": "test",
    "test_secret_key": "sk_test_described",
    "test_public_key": "pk_test_described",
    "test_webhook_secret": "whsec_described",
}
CHOICES = [
    (stand_ins.NAME,),
    ("customer_auth",),
    ("media_mp3",),
    ("stripe_payments",),
    ("customer_auth", "media_mp3", "stripe_payments"),
]


@pytest.fixture
def document_of(autonomy):
    def document_of(*plugins):
        settings = {"stripe_payments": STRIPE} if "stripe_payments" in plugins else {}
        autonomy.organisation(plugins=plugins, settings=settings)
        return autonomy.app.get("/acme/api/v1/openapi.json").json

    return document_of


def operations_in(document):
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "servers"
    }


@pytest.mark.parametrize("plugins", CHOICES, ids=" ".join)
def test_the_document_is_valid_openapi_3_1_whatever_is_enabled(document_of, plugins):
    document = document_of(*plugins)
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_is_in_the_document_with_all_plugins(autonomy, document_of):
    document = document_of(*autonomy.runtime.plugins.names)
    described = {operation["operationId"] for operation in operations_in(document).values()}
    registered = {
        f"{one.plugin}_{one.id}" if one.plugin else one.id for one in autonomy.app.app.registry.operations
    }
    assert described == registered


def test_every_list_has_pages_or_says_how_long_it_is_at_most(autonomy, document_of):
    document = document_of(*autonomy.runtime.plugins.names)
    lists = [
        (path, operation)
        for (method, path), operation in operations_in(document).items()
        if method == "GET" and answers_with_list(document, operation)
    ]
    assert len(lists) > 20
    endless = {
        path
        for path, operation in lists
        if "cursor" not in {each["name"] for each in operation.get("parameters", ())}
        and "at most" not in operation["description"].lower()
    }
    assert endless == set()


def answers_with_list(document, operation):
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    members = document["components"]["schemas"].get(name, {}).get("properties", {})
    # A product and a refund have items of their own.
    return "id" not in members and members.get("items", {}).get("type") == "array"


def test_every_view_below_the_api_is_an_operation(autonomy):
    registry = autonomy.app.app.registry
    operations = {(one.context, one.name, one.method) for one in registry.operations}
    views = {
        key_of(view["introspectable"])
        for view in registry.introspector.get_category("views")
        if is_below_the_api(registry, view["introspectable"]["context"])
    }
    assert views == operations


def is_below_the_api(registry, context):
    nodes = {
        node for call in calls_of(registry, runtime_of(registry).plugins.names) for node in call.place.lineage
    }
    return isinstance(context, type) and any(issubclass(node, context) for node in nodes | {ApiV1})


def key_of(view):
    methods = view["request_methods"] or ()
    method = methods if isinstance(methods, str) else next((one for one in methods if one != "HEAD"), None)
    return (view["context"], view["name"], method)


def test_a_plugin_is_described_only_where_it_is_enabled(document_of):
    without = operations_in(document_of("customer_auth"))
    assert ("POST", "/customers/login") in without
    assert not any("tracks" in path or "webhook" in path for _, path in without)
    with_media = operations_in(document_of("media_mp3"))
    assert ("GET", "/customers/tracks/{track_id}/stream") in with_media
    assert ("POST", "/customers/login") not in with_media


def test_the_server_url_is_the_one_of_the_request(autonomy):
    autonomy.organisation(hosts=("shop.example",))
    by_path = autonomy.app.get("/acme/api/v1/openapi.json")
    by_host = autonomy.app.get("/api/v1/openapi.json", headers={"Host": "shop.example"})
    assert by_path.json["servers"] == [{"url": "http://localhost/acme/api/v1"}]
    assert by_host.json["servers"] == [{"url": "http://shop.example/api/v1"}]
    assert by_path.headers["ETag"] != by_host.headers["ETag"]


def test_the_webhook_is_described_relative_to_the_server(document_of):
    item = document_of("stripe_payments")["paths"]["/api/webhook/stripe/{organisation_id}"]
    assert item["servers"] == [{"url": "http://localhost"}]
    assert item["post"]["security"] == []


def test_a_conditional_request_for_the_document_is_a_304(autonomy):
    autonomy.organisation()
    first = autonomy.app.get("/acme/api/v1/openapi.json")
    assert first.headers["Cache-Control"] == "no-cache"
    again = autonomy.app.get(
        "/acme/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]}, status=304
    )
    assert again.body == b""
    autonomy.organisation(plugins=("customer_auth",))
    changed = autonomy.app.get(
        "/acme/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]}, status=200
    )
    assert "/customers/login" in changed.json["paths"]


def test_the_security_of_a_call_follows_from_its_permission(document_of):
    security = {
        key: operation["security"] for key, operation in operations_in(document_of("media_mp3")).items()
    }
    assert security["GET", "/products"] == []
    assert security["GET", "/customers/me"] == [{"customer": []}]
    assert security["POST", "/admin/products"] == [{"staff": ["catalog.write"]}]
    assert security["GET", "/admin/products"] == [{"staff": ["catalog.read"]}]
    assert security["GET", "/customers/tracks/{track_id}/stream"] == [{"customer": []}, {"link": []}]


def test_a_call_lists_the_codes_of_its_errors(document_of):
    operations = operations_in(document_of(stand_ins.NAME))
    purchase = operations["POST", "/customers/products/{product_id}/purchase"]["responses"]
    refusals = ["400", "401", "403", "404", "409", "413", "415", "422", "429", "503"]
    assert list(purchase) == ["200", "201", *refusals]
    assert "`already_owned`" in purchase["409"]["description"]
    assert "WWW-Authenticate" in purchase["401"]["headers"]
    assert list(purchase["409"]["content"]) == ["application/problem+json"]
    assert list(operations["GET", "/products"]["responses"]) == ["200", "304", "400", "412", "422", "503"]


UPLOADS = ("POST", "/admin/uploads")
"""Its input is in headers, which are not compared. The protocol of uploads knows no such key."""


def test_every_post_documents_the_idempotency_key_and_its_errors(autonomy, document_of):
    operations = operations_in(document_of(*autonomy.runtime.plugins.names))
    taking = {key for key, operation in operations.items() if "Idempotency-Key" in header_names(operation)}
    assert taking == {
        (method, path) for method, path in operations if method == "POST" and "webhook" not in path
    } - {UPLOADS}
    for key in taking:
        responses = operations[key]["responses"]
        assert "`idempotency_key_invalid`" in responses["400"]["description"]
        assert "`idempotency_key_reused`" in responses["422"]["description"]
        assert "`idempotency_in_progress`" in responses["409"]["description"]
        assert "Retry-After" in responses["409"]["headers"]
        assert "Idempotent-Replayed" in responses[min(responses)]["headers"]


def header_names(operation):
    return {one["name"] for one in operation["parameters"] if one["in"] == "header"}


def test_every_form_with_a_file_takes_an_upload_instead(autonomy, document_of):
    operations = operations_in(document_of(*autonomy.runtime.plugins.names))
    forms = {
        key: operation["requestBody"]["content"]["multipart/form-data"]["schema"]
        for key, operation in operations.items()
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }
    assert len(forms) > 4
    told = (ROOT / "docs" / "uploads.md").read_text()
    for (method, path), form in forms.items():
        assert form["properties"]["upload"] == UPLOAD_ID["upload"], path
        assert "file" not in form.get("required", ()), path
        assert f"- `{method} {path[1:]}`" in told, path
    receiving = {key for key, each in operations.items() if "`upload_unknown`" in str(each["responses"])}
    assert receiving == forms.keys()


def test_the_members_of_an_error_code_are_described_with_its_call(document_of):
    document = document_of("media_mp3")
    assert {"errors", "allow", "retry_after"} <= document["components"]["schemas"]["Problem"][
        "properties"
    ].keys()
    upload = operations_in(document)["POST", "/admin/products/{product_id}/tracks"]["responses"]
    assert "findings" in problem_members(document, upload["422"])["not_playable"]
    assert "findings" not in problem_members(document, upload["422"])["invalid_input"]
    assert "track_id" in problem_members(document, upload["409"])["track_exists"]


@pytest.mark.parametrize(
    ("plugin", "codes"),
    [("media_mp3", "with `invalid_input`:"), ("customer_auth", "with `invalid_input`, `weak_password`:")],
)
def test_the_member_errors_is_described_with_every_code_that_has_it(document_of, plugin, codes):
    errors = document_of(plugin)["components"]["schemas"]["Problem"]["properties"]["errors"]
    assert errors["description"].startswith(codes)


def problem_members(document, response):
    """The members of each problem that an answer may be, by its code."""
    schema = response["content"]["application/problem+json"]["schema"]
    members = {}
    for alternative in schema.get("oneOf", [schema]):
        found = document["components"]["schemas"][alternative["$ref"].rpartition("/")[2]]
        base, own = found["allOf"]
        assert base == {"$ref": "#/components/schemas/Problem"}
        (code,) = own["properties"]["code"]["enum"]
        members[code] = own["properties"]
    return members


def test_each_error_code_has_a_schema_with_its_status(document_of):
    document = document_of("customer_auth")
    login = operations_in(document)["POST", "/customers/login"]["responses"]
    members = problem_members(document, login["401"])
    assert members == {
        "invalid_credentials": {
            "code": {"type": "string", "enum": ["invalid_credentials"]},
            "status": {"type": "integer", "enum": [401]},
        }
    }
    several = login["409"]["content"]["application/problem+json"]["schema"]
    assert several["discriminator"]["propertyName"] == "code"
    assert several["discriminator"]["mapping"].keys() == problem_members(document, login["409"]).keys()


def test_the_document_bears_the_organisations_name(autonomy):
    autonomy.organisation()
    assert autonomy.app.get("/acme/api/v1/openapi.json").json["info"]["title"] == "Acme"


def test_the_calls_for_shop_pages_come_first(document_of):
    document = document_of("customer_auth", "media_mp3", "stripe_payments")
    tags = [tag["name"] for tag in document["tags"]]
    assert tags == [
        "products",
        "purchases",
        "customers",
        "codes",
        "images",
        "feeds",
        "checkout",
        "admin",
        "webhooks",
        "description",
    ]
    assert [operation["tags"][0] for operation in operations_in(document).values()] == sorted(
        (operation["tags"][0] for operation in operations_in(document).values()), key=tags.index
    )
    paths = list(document["paths"])
    assert paths.index("/customers/products/{product_id}/purchase") < paths.index("/admin/products")
    assert paths.index("/admin/products") < paths.index("/docs")


def test_binary_answers_are_described_as_binary(document_of):
    operations = operations_in(document_of("media_mp3"))
    stream = operations["GET", "/customers/tracks/{track_id}/stream"]["responses"]
    for status in ("200", "206"):
        schema = stream[status]["content"]["audio/mpeg"]["schema"]
        assert (schema["type"], schema["format"]) == ("string", "binary")
    form = operations["POST", "/admin/products/{product_id}/tracks"]["requestBody"]["content"]
    assert form["multipart/form-data"]["schema"]["properties"]["file"]["format"] == "binary"


def test_no_parameter_of_a_query_may_be_null(document_of):
    parameters = [
        parameter["schema"]
        for operation in operations_in(document_of("media_mp3", "stripe_payments")).values()
        for parameter in operation["parameters"]
        if parameter["in"] == "query"
    ]
    assert parameters
    assert [
        schema for schema in parameters if "null" in schema["type"] or None in schema.get("enum", ())
    ] == []


def test_the_fields_of_a_form_are_described(document_of):
    schemas = document_of("customer_auth")["components"]["schemas"]
    password = schemas["Registration"]["properties"]["password"]
    assert (password["minLength"], password["maxLength"]) == (8, 256)
    for schema, names in {
        "Purchase": ("success_url", "cancel_url"),
        "NewProduct": ("kind", "amount", "currency"),
        "ProductChanges": ("amount",),
        "Payment": ("status",),
    }.items():
        assert not [name for name in names if "description" not in schemas[schema]["properties"][name]]


def test_the_documented_nginx_passes_every_upload_on_unbuffered(document_of):
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (location,) = re.findall(r"location ~ (\S+) \{[^}]*proxy_request_buffering off;", page)
    uploads = [
        path
        for (_, path), operation in operations_in(document_of("media_mp3")).items()
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(uploads) == 5
    assert [path for path in uploads if not re.search(location, path)] == []


def test_field_types_are_described_in_json_schema(document_of):
    schemas = document_of(stand_ins.NAME)["components"]["schemas"]
    payment = schemas["Payment"]["properties"]
    assert payment["id"] == {"type": "string", "format": "uuid"}
    assert payment["created_at"] == {"type": "string", "format": "date-time"}
    assert set(payment["completed_at"]["type"]) == {"string", "null"}
    assert schemas["NewProduct"]["properties"]["currency"]["pattern"] == "^[a-z]{3}$"
    assert schemas["NewProduct"]["additionalProperties"] is False
    page = schemas["ProductPage"]
    assert page["required"] == ["items", "next"]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Product"}
