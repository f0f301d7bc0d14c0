import getpass
import json

import pytest
from sqlalchemy import text

from autonomy_core.cli.context import CliContext
from autonomy_core.customers.services import register_customer
from autonomy_core.runtime import make_runtime
from autonomy_core.security.roles import Role
from autonomy_core.staff import services


def issue(site, organisation="acme"):
    arguments = ("--name", "back end", "--scope", "catalog.read", "--scope", "catalog.write", "--json")
    result = site.run("keys", "issue", organisation, *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def audited(site, organisation="acme"):
    cli = CliContext(site.ini)
    runtime = make_runtime(cli.raw_settings, site.plugins)
    with runtime.transaction(runtime.tenants.get(organisation)) as scope:
        rows = scope.session.execute(text("SELECT actor, action, target FROM audit_entries ORDER BY id"))
        found = [tuple(row) for row in rows]
    runtime.close()
    return found


def test_a_key_is_shown_once_and_then_only_described(site):
    issued = issue(site)
    assert issued["key"].startswith("ak_")
    listed = site.run("keys", "list", "acme", "--json").stdout
    (described,) = json.loads(listed)
    assert described["id"] == issued["id"]
    assert described["scopes"] == ["catalog.read", "catalog.write"]
    assert described["revoked_at"] is None
    assert issued["key"] not in listed
    _, _, secret = issued["key"].split("_", 2)  # it may contain more of them
    assert secret not in listed


def test_the_new_key_alone_is_on_standard_output(site):
    result = site.run("keys", "issue", "acme", "--name", "shop", "--scope", "payments.read")
    assert result.stdout.startswith("ak_")
    assert result.stdout.count("\n") == 1
    assert "not shown again" in result.stderr


def test_a_key_belongs_to_one_organisation(site):
    issued = issue(site)
    assert json.loads(site.run("keys", "list", "zenith", "--json").stdout) == []
    refused = site.run("keys", "revoke", "zenith", issued["id"])
    assert refused.exit_code == 1
    assert "no such key" in refused.stderr


def test_issuing_and_revoking_are_audited_with_who_did_it(site):
    issued = issue(site)
    assert site.run("keys", "revoke", "acme", issued["id"]).exit_code == 0
    (described,) = json.loads(site.run("keys", "list", "acme", "--json").stdout)
    assert described["revoked_at"] is not None
    actor, target = f"cli:{getpass.getuser()}", f"api_key:{issued['id']}"
    assert audited(site) == [(actor, "api_key.issued", target), (actor, "api_key.revoked", target)]


def make_member(site, role=Role.EDITOR):
    cli = CliContext(site.ini)
    runtime = make_runtime(cli.raw_settings, site.plugins)
    with runtime.transaction(runtime.tenants.get("acme")) as scope:
        customer = register_customer(scope, "ed@example.org", "Ed")
        invitation = services.invite(scope, customer.email, role, services.Giver("cli:test", None))
        services.accept(scope, customer, services.new_token(scope, invitation.id))
    runtime.close()


def test_a_key_can_belong_to_a_member_of_staff_and_expire(site):
    make_member(site)
    arguments = ("--name", "till", "--scope", "catalog.write", "--member", "Ed@example.org", "--days", "30")
    result = site.run("keys", "issue", "acme", *arguments)
    assert result.exit_code == 0, result.output
    (listed,) = json.loads(site.run("keys", "list", "acme", "--json").stdout)
    assert listed["member"] == "ed@example.org"
    assert listed["expires_at"] is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--scope", "payments.refund", "--member", "ed@example.org"),
            "editor does not allow payments.refund",
        ),
        (("--scope", "catalog.read", "--member", "eve@example.org"), "No member of staff has the address"),
    ],
)
def test_a_key_of_a_member_needs_the_role_that_allows_it(site, options, message):
    make_member(site)
    refused = site.run("keys", "issue", "acme", "--name", "till", *options)
    assert refused.exit_code == 1
    assert message in refused.stderr


@pytest.mark.parametrize("name", [" ", "\u200b", "shop\u202e", "shop\nkeys", "x" * 201])
def test_a_key_has_a_name_that_people_can_read(site, name):
    refused = site.run("keys", "issue", "acme", "--name", name, "--scope", "payments.read")
    assert refused.exit_code == 1
    assert "the name of a key" in refused.stderr


def test_an_unknown_scope_is_a_usage_error(site):
    result = site.run("keys", "issue", "acme", "--name", "x", "--scope", "everything")
    assert result.exit_code == 2
    assert "payments.read" in result.stderr
    assert site.run("keys", "issue", "acme", "--name", "x").exit_code == 2


@pytest.mark.parametrize("state", ["broken after it was served", "never in order", "removed"])
def test_a_key_is_revoked_even_if_the_organisations_file_is_broken(site, state):
    issued = issue(site)
    file = site.directory / "tenants" / "acme.ini"
    if state == "broken after it was served":
        runtime = make_runtime(CliContext(site.ini).raw_settings, site.plugins)
        runtime.tenants.ids()
        runtime.tenants._write_record()
    if state == "removed":
        file.unlink()
    else:
        file.write_text(file.read_text().replace("currency", "curency"))
    revoked = site.run("keys", "revoke", "acme", issued["id"])
    assert revoked.exit_code == 0, revoked.output
    (described,) = json.loads(site.run("keys", "list", "acme", "--json").stdout)
    assert described["revoked_at"] is not None


def test_listing_needs_the_organisations_id_only(site):
    issue(site)
    (site.directory / "tenants" / "acme.ini").write_text("nonsense\n")
    for command in (("payments", "list", "acme"), ("jobs", "list", "acme"), ("keys", "list", "acme")):
        result = site.run(*command, "--json")
        assert result.exit_code == 0, result.output
        assert "no usable file" in result.stderr


@pytest.mark.parametrize("organisation", ["nobody", "../acme", "Acme", ""])
def test_an_unknown_organisation_gets_no_key(site, organisation):
    result = site.run("keys", "issue", organisation, "--name", "x", "--scope", "payments.read")
    assert result.exit_code == 1
    assert "There is no organisation" in result.stderr
