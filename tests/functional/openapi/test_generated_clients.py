"""Clients as front-end developers generate them from the document that is served, against a real server."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from autonomy_core.testing import stand_ins
from tests.docs.markdown import DOCUMENTS
from tests.functional.openapi.serving import served

ROOT = Path(__file__).parents[3]
CONFIGURATION = ROOT / "docs" / "api" / "openapi-python-client.yml"
# The stand-ins deliver the product: what nothing delivers is not listed.
PLUGINS = (stand_ins.NAME, "customer_auth", "media_mp3", "stripe_payments")
STRIPE = {
    "environment": "test",
    "test_secret_key": "sk_test_described",
    "test_public_key": "pk_test_described",
    "test_webhook_secret": "whsec_described",
}
REGISTRATION = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}

pytestmark = pytest.mark.processes

IN_PYTHON = """
import sys
from uuid import UUID
from api_client import Client
from api_client.api.customers import customer_auth_login, customer_auth_register
from api_client.api.products import get_product, list_products
from api_client.models import InvalidCredentialsProblem, InvalidInputProblem, Login, NotFoundProblem
from api_client.models import ProductPage, Registration

client = Client(base_url=sys.argv[1])
refused = customer_auth_login.sync(client=client, body=Login(email="ada@example.org", password="a wrong one"))
assert isinstance(refused, InvalidCredentialsProblem), refused
assert (refused.code, refused.status) == ("invalid_credentials", 401)
nobody = Registration(email="nobody", password="a long engine", name="Nobody")
invalid = customer_auth_register.sync(client=client, body=nobody)
assert isinstance(invalid, InvalidInputProblem), invalid
assert list(invalid.errors["body"]) == ["email"]
page = list_products.sync(client=client, limit=1)
assert isinstance(page, ProductPage), page
missing = get_product.sync(client=client, product_id=UUID(int=1))
assert isinstance(missing, NotFoundProblem), missing
print(page.items[0].title, refused.code.value)
"""

IN_TYPESCRIPT = """
import type { components, paths } from "./api";

type Login = paths["/customers/login"]["post"];
type Refusal = Login["responses"][401]["content"]["application/problem+json"];
const code: Refusal["code"] = "invalid_credentials";
// @ts-expect-error there is no such code among those of a failed login
const other: Refusal["code"] = "already_owned";

const status: components["schemas"]["Payment"]["status"] = "completed";
export { code, other, status };
"""


@pytest.fixture
def shop(autonomy):
    """An organisation with every plugin that ships, a customer and a product."""
    autonomy.organisation(plugins=PLUGINS, settings={"stripe_payments": STRIPE})
    autonomy.app.post_json("/acme/api/v1/customers/register", REGISTRATION)
    autonomy.product(title="First Light")
    return autonomy


@pytest.fixture
def document(shop, tmp_path):
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(shop.app.get("/acme/api/v1/openapi.json").json), "utf-8")
    return path


def installed(generator, path):
    """The path of a generator; the test is skipped without it."""
    found = max((ROOT / "var" / generator).glob(f"*/{path}"), default=None)
    if found is None:
        pytest.skip(f"there is no {generator}: `make client-generators` gets it, from npm or PyPI")
    return found


def run(*command, cwd):
    """Run a command, which must succeed; gives what it said."""
    environment = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_generated_python_client_has_typed_errors(shop, document, tmp_path):
    generator = installed("openapi-python-client", "bin/openapi-python-client")
    into = ("--meta", "none", "--output-path", "api_client", "--config", CONFIGURATION, "--fail-on-warning")
    said = run(generator, "generate", "--path", document, *into, cwd=tmp_path)
    assert "warning" not in said.lower(), said
    python = generator.with_name("python")
    run(python, "-W", "error", "-m", "compileall", "-q", "api_client", cwd=tmp_path)
    (tmp_path / "buyer.py").write_text(IN_PYTHON, "utf-8")
    with served(shop.app.app) as address:
        said = run(python, "buyer.py", f"{address}/acme/api/v1", cwd=tmp_path)
    assert said.split() == ["First", "Light", "invalid_credentials"]


def test_generated_typescript_types_distinguish_errors_by_code(document, tmp_path):
    generator = installed("openapi-typescript", "node_modules/.bin/openapi-typescript")
    said = run(generator, document, "--output", "api.d.ts", cwd=tmp_path)
    assert not {"warn", "error"} & set(said.lower().split()), said
    (tmp_path / "buyer.ts").write_text(IN_TYPESCRIPT, "utf-8")
    (tmp_path / "documented.ts").write_text(example(), "utf-8")
    sources = ("buyer.ts", "documented.ts", "api.d.ts")
    run(generator.with_name("tsc"), "--strict", "--noEmit", *sources, cwd=tmp_path)


def example():
    """The TypeScript example of docs/api/clients.md."""
    (page,) = (document for document in DOCUMENTS if document.name == "docs/api/clients.md")
    (block,) = page.blocks("ts")
    return block.text


@pytest.mark.parametrize("name", ["音", 'A & <b> "C"', "100 % records"])
def test_a_client_is_generated_for_any_organisation_name(autonomy, tmp_path, name):
    generator = installed("openapi-python-client", "bin/openapi-python-client")
    autonomy.organisation(plugins=("customer_auth",))
    description = autonomy.app.app.registry.describe_api(("customer_auth",), "https://a.example", "", name)
    path = tmp_path / "openapi.json"
    path.write_bytes(description.body)
    options = ("--config", CONFIGURATION, "--fail-on-warning")
    run(generator, "generate", "--path", path, *options, cwd=tmp_path)
