"""`PluginContract`: the rules for every plugin, as tests to inherit.

In a plugin's ``tests/test_contract.py``::

    from autonomy_core.testing.contract import PluginContract


    class TestContract(PluginContract):
        plugin = "bonus_track"
        settings = {"product_id": "0198c0de-0000-7000-8000-000000000001"}
"""

from __future__ import annotations

import json

from sqlalchemy import Engine

from autonomy_core.cli.plugin_source import foreign_imports, package_of, private_reaches, settings_problems
from autonomy_core.cli.registrations import registrations_of, ungated
from autonomy_core.customers.merging import merge
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import uuid7
from autonomy_core.db.isolation import unisolated_tables
from autonomy_core.db.migrations import downgrade, upgrade
from autonomy_core.db.revisions import check_models_match
from autonomy_core.kernel.hooks import PluginSettings
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.completion import HOOK, run_completion_hook
from autonomy_core.payments.hook_runs import Run, record_run
from autonomy_core.payments.models import HookRun
from autonomy_core.payments.services import facts_of
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.arrangement import WITH, WITHOUT
from autonomy_core.testing.locks import ProviderLocks
from autonomy_core.testing.outgoing import no_outgoing_calls
from autonomy_core.testing.tables import (
    organisations_in,
    rows_naming,
    rows_of,
    shared_tables,
    structure,
    tables_of,
    tables_with,
)
from autonomy_core.web.input_fields import lax_fields


class PluginContract(ProviderLocks):
    """Derive from it and set the plugin; `Arrangement` describes what can be overridden."""

    def test_it_is_absent_where_it_is_disabled(self, autonomy: Autonomy) -> None:
        """Its calls answer like unregistered paths: 404, or 405 if the path has other methods."""
        self.organise(autonomy)
        for method, path in self.calls(autonomy, registrations_of(autonomy.runtime, self.plugin), WITHOUT):
            for headers in self.callers(autonomy, WITHOUT):
                answer = autonomy.app.request(path, method=method, headers=headers, expect_errors=True)
                nowhere = autonomy.app.request(
                    f"{path.rpartition('/')[0]}/nobody-has-this",
                    method=method,
                    headers=headers,
                    expect_errors=True,
                )
                taken = answer.status_int == 405 and method not in answer.headers["Allow"]
                absent = taken or answer.status_int == nowhere.status_int >= 400
                assert absent, f"{method} {path} answers {answer.status} where {self.plugin} is disabled"

    def test_it_is_there_where_it_is_enabled(self, autonomy: Autonomy) -> None:
        """The same calls exist here, which proves that the absence test tests something.

        Unknown ids give 404.
        """
        self.organise(autonomy)
        staff = autonomy.as_staff(WITH)
        found = registrations_of(autonomy.runtime, self.plugin)
        for method, path in self.calls(autonomy, found, WITH, unknown_ids=False):
            # TRACE is never supported; the response lists the supported methods.
            headers = (
                staff
                if "/admin/" in path
                else autonomy.as_customer(autonomy.customer(WITH, f"{uuid7()}@example.org"))
            )
            answer = autonomy.app.request(path, method="TRACE", headers=headers, expect_errors=True)
            assert method in answer.headers.get("Allow", ""), f"{method} {path} is not there: {answer.status}"

    def test_it_registers_nothing_for_all_organisations(self, autonomy: Autonomy) -> None:
        """Subscribers, tweens, routes and request methods apply to all organisations.

        A plugin uses views and children instead.
        """
        found = ungated(autonomy.runtime, self.plugin)
        assert not found, "\n".join(found)

    def test_what_its_calls_take_has_one_spelling(self, autonomy: Autonomy) -> None:
        """Fields of marshmallow itself accept more than they document; use those of `plugin_api.schemas`."""
        operations = registrations_of(autonomy.runtime, self.plugin).operations
        lax = [problem for operation in operations for problem in lax_fields(operation)]
        assert not lax, "\n".join(lax)

    def test_its_completion_hook_is_idempotent(self, autonomy: Autonomy) -> None:
        """``on_payment_completed`` runs again after a failure, so it must be idempotent."""
        self.needs(autonomy, HOOK)
        self.organise(autonomy)
        payment = self.sell(autonomy, WITH)
        with autonomy.scope(WITH) as scope:
            tables = ["grants", *tables_of(scope.session.connection(), self.plugin)]
            run = scope.session.get_one(HookRun, (WITH, payment.id, self.plugin))
            assert run.outcome == "succeeded", run.last_error
            once = rows_of(scope.session, tables)
            for implementation in scope.hooks.implementations(HOOK):
                if implementation.plugin == self.plugin:
                    error = run_completion_hook(scope, facts_of(scope, payment), implementation)
                    record_run(scope, Run(payment.id, self.plugin), error)
            scope.session.refresh(run)
            assert run.outcome == "succeeded", run.last_error
            assert rows_of(scope.session, tables) == once

    def test_it_erases_what_identifies_a_customer(
        self, autonomy: Autonomy, autonomy_plugins: Plugins
    ) -> None:
        """A plugin whose tables name customers implements `register_personal_data`.

        After `erase`, which is idempotent, its rows do not contain the customer's address.
        """
        self.organise(autonomy)
        payment = self.sell(autonomy, WITH)
        kept = self.registered(autonomy_plugins, "register_personal_data")
        with autonomy.scope(WITH) as scope:
            tables = tables_of(scope.session.connection(), self.plugin)
            address = scope.session.get_one(Customer, (WITH, payment.customer_id)).email
            naming = tables_with(scope.session.connection(), tables, "customer_id")
            assert kept or not naming, f"register_personal_data is missing: {naming} name customers"
            if kept is not None:
                json.dumps(dict(kept.export(scope, payment.customer_id)), default=_as_json)
                for _ in range(2):
                    kept.erase(scope, payment.customer_id)
                    scope.session.flush()
            left = rows_naming(scope.session, tables, address)
            assert not left, f"these rows still have {address}: {left}"

    def test_it_moves_what_a_merged_customer_owns(self, autonomy: Autonomy) -> None:
        """After `on_customers_merged`, no row of its tables names the customer who was merged."""
        self.organise(autonomy)
        source_id = self.sell(autonomy, WITH).customer_id
        target = autonomy.customer(WITH, f"{uuid7()}@example.org")
        with autonomy.scope(WITH) as scope:
            tables = tables_of(scope.session.connection(), self.plugin)
            source, into = (scope.session.get_one(Customer, (WITH, each)) for each in (source_id, target.id))
            merge(scope, source, into, actor="test", reason="the same person")
            scope.session.flush()
            left = rows_naming(scope.session, tables, str(source_id))
            assert not left, f"these rows still name the merged customer: {left}"

    def test_its_hooks_call_no_server(self, autonomy: Autonomy) -> None:
        """A hook calls no other server.

        A hook runs in its caller's transaction, whose locks would be held until the other server answers.
        """
        self.organise(autonomy)
        product = self.sold_product(autonomy, WITH)
        with no_outgoing_calls(
            package_of(autonomy.runtime.plugins, self.plugin), f"plugin {self.plugin}: a hook"
        ):
            autonomy.buy(autonomy.customer(WITH), product)

    def test_its_tables_show_one_organisation_only(self, autonomy: Autonomy) -> None:
        """Row-level security: SQL without a WHERE sees only the rows of the current organisation."""
        self.organise(autonomy, both=True)
        for organisation_id in (WITH, WITHOUT):
            self.sell(autonomy, organisation_id)
        for organisation_id in (WITH, WITHOUT):
            with autonomy.scope(organisation_id) as scope:
                connection = scope.session.connection()
                tables = tables_of(connection, self.plugin)
                assert not (shared := shared_tables(connection, tables)), f"without organisation_id: {shared}"
                lax = [line for line in unisolated_tables(connection) if line.partition(":")[0] in tables]
                assert not lax, "\n".join(lax)
                for table in tables:
                    assert organisations_in(scope.session, table) <= {organisation_id}, table

    def test_its_migrations_go_up_and_down_and_leave_others_alone(
        self, autonomy_plugins: Plugins, migrated_without_it: Engine
    ) -> None:
        """Their tables are named ``<plugin>_…``, and are removed by a downgrade.

        Other tables stay unchanged.
        """
        component = self.migrations(autonomy_plugins)
        before = structure(migrated_without_it)
        upgrade(migrated_without_it, [component])
        made = structure(migrated_without_it)
        misnamed = [name for name in made.keys() - before.keys() if not name.startswith(f"{self.plugin}_")]
        assert not misnamed, f"not named {self.plugin}_…: {misnamed}"
        changed = [name for name, parts in before.items() if parts != made.get(name)]
        assert not changed, f"it changes other tables: {changed}"
        downgrade(migrated_without_it, component)
        after = structure(migrated_without_it)
        left = after.keys() - before.keys() - {component.version_table}
        assert not left, f"left after the downgrade: {sorted(left)}"
        upgrade(migrated_without_it, [component])
        assert structure(migrated_without_it) == made

    def test_its_models_are_what_its_migrations_make(
        self, autonomy_plugins: Plugins, migrated_copy: Engine
    ) -> None:
        """No revision is missing."""
        component, others = self.migrations(autonomy_plugins), self.other_migrations(autonomy_plugins)
        with migrated_copy.connect() as connection:
            differences = check_models_match(connection, component, others)
        remedy = f'write it with: autonomy plugins revision {self.plugin} "What has changed"'
        assert not differences, "\n".join(
            ["these parts of the models have no migration:", *differences, remedy]
        )

    def test_its_settings_are_described_and_strict(
        self, autonomy_plugins: Plugins, autonomy_settings: dict[str, str]
    ) -> None:
        """``autonomy tenants new`` prints the descriptions.

        A typing error in an ini file must be detected.
        """
        offered = self.registered(autonomy_plugins, "register_settings") or PluginSettings()
        prefix = f"{self.plugin}."
        server = {
            key.removeprefix(prefix): text
            for key, text in autonomy_settings.items()
            if key.startswith(prefix)
        }
        problems = settings_problems(offered.organisation, self.settings) + settings_problems(
            offered.server, server
        )
        assert not problems, "\n".join(problems)

    def test_its_jobs_bear_its_name(self, autonomy_plugins: Plugins) -> None:
        """The form ``<plugin>.<what it does>`` prevents name collisions between plugins."""
        names = [job.name for job in self.registered(autonomy_plugins, "register_jobs") or ()]
        assert [name for name in names if not name.startswith(f"{self.plugin}.")] == []
        assert len(names) == len(set(names)), "two jobs have the same name"

    def test_it_imports_nothing_private(self, autonomy_plugins: Plugins) -> None:
        """Of the core it imports only `autonomy_core.plugin_api`, and nothing of other plugins."""
        found = foreign_imports(autonomy_plugins, self.plugin)
        assert not found, "\n".join(found)

    def test_it_has_its_scope_and_nothing_behind_it(self, autonomy_plugins: Plugins) -> None:
        """It reads neither the runtime nor the transaction of a scope, which are private to the core."""
        found = private_reaches(autonomy_plugins, self.plugin)
        assert not found, "\n".join(found)


def _as_json(value: object) -> str:
    """The text of a value that JSON does not have, such as a UUID, or of a file's bytes."""
    return "" if isinstance(value, bytes) else str(value)
