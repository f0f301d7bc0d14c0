"""`Autonomy`: an application with chosen plugins and organisations, as a test handles it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import text

from autonomy_core.app import make_app
from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import register_customer
from autonomy_core.jobs.running import run_job
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.retries import CannotRunNow, TryAgain
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.models import Payment
from autonomy_core.payments.purchasing import open_payment
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.payments.settlement import Settled, settle
from autonomy_core.runtime import make_runtime
from autonomy_core.security import api_keys
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.testing import stand_ins
from autonomy_core.testing.conformance import ConformingApp
from autonomy_core.testing.database import SwitchedDatabase

__all__ = ["Autonomy", "Plugins", "chosen_plugins", "make_autonomy", "return_urls"]


@dataclass
class Autonomy:
    """The application under test.

    Attributes:
        app: a WebTest client of it, which compares every answer with the API's description.
        runtime: the collaborators of its process.
        database: switched by the fixtures.
        directory: for whatever a test wants to keep.
    """

    app: ConformingApp
    runtime: Runtime
    database: SwitchedDatabase
    directory: Path

    def organisation(
        self,
        organisation_id: str = "acme",
        *,
        plugins: Sequence[str] = (stand_ins.NAME,),
        hosts: Sequence[str] = (),
        currency: str = "eur",
        settings: Mapping[str, Mapping[str, str]] | None = None,
        **more: str,
    ) -> Organisation:
        """Write an organisation's ini file, and load it. Writing it again changes the organisation.

        Args:
            plugins: the enabled ones.
            settings: for each plugin what its section says, as text.
            more: further keys of the organisation's own section.
        """
        hosts = hosts or (f"{organisation_id}.example",)
        lines = ["[organisation]", f"name = {organisation_id.title()}", f"hosts = {', '.join(hosts)}"]
        lines += [f"currency = {currency}", f"plugins = {', '.join(plugins)}"]
        lines += [f"{key} = {value}" for key, value in more.items()]
        for section, values in (settings or {}).items():
            lines += ["", f"[{section}]", *(f"{key} = {value}" for key, value in values.items())]
        path = self.runtime.settings.tenants / f"{organisation_id}.ini"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n", "utf-8")
        self.runtime.tenants.reload()
        problems = [str(problem) for problem in self.runtime.tenants.problems()]
        assert not problems, "\n".join(problems)
        organisation = self.runtime.tenants.get(organisation_id)
        assert organisation is not None
        return organisation

    def get_organisation(self, organisation_id: str) -> Organisation:
        """An organisation that is there."""
        organisation = self.runtime.tenants.get(organisation_id)
        assert organisation is not None, f"no organisation {organisation_id}"
        return organisation

    @contextmanager
    def scope(self, organisation_id: str = "acme") -> Iterator[TenantScope]:
        """A scope in a transaction that is committed at the end of the block."""
        with self.runtime.transaction(self.get_organisation(organisation_id)) as scope:
            yield scope

    def customer(self, organisation_id: str = "acme", email: str = "ada@example.org") -> Customer:
        """Make a customer, without a password."""
        with self.scope(organisation_id) as scope:
            return register_customer(scope, email, "Ada")

    def as_customer(self, customer: Customer) -> dict[str, str]:
        """Headers of a request by a customer; needs the stand-ins to be enabled."""
        return {stand_ins.CUSTOMER_HEADER: str(customer.id)}

    def as_staff(self, organisation_id: str = "acme", scopes: Sequence[str] | None = None) -> dict[str, str]:
        """Headers of a request with a new API key.

        Args:
            scopes: None for all that there are, those of plugins included.
        """
        known = self.runtime.scopes
        with self.scope(organisation_id) as scope:
            _, text_ = api_keys.issue(
                scope.session, organisation_id, "test", scopes or tuple(known), actor="test", known=known
            )
        return {"Authorization": f"Bearer {text_}"}

    def product(self, organisation_id: str = "acme", **values: Any) -> Product:
        """Make a product, by default a thing for 12.00."""
        values = {
            "title": "A thing",
            "description": "",
            "kind": "thing",
            "amount": 1200,
            "currency": "eur",
            **values,
        }
        with self.scope(organisation_id) as scope:
            product = Product(organisation_id=organisation_id, **values)
            scope.session.add(product)
            scope.session.flush()
            return product

    def payment(self, customer: Customer, product: Product) -> Payment:
        """Open a payment at the organisation's provider, without a checkout."""
        with self.scope(customer.organisation_id) as scope:
            return open_payment(scope, customer.id, product.id, return_urls(scope.organisation)).payment

    def settle(
        self, payment: Payment, status: PaymentStatus = PaymentStatus.COMPLETED, **changes: Any
    ) -> Settled:
        """Settle a payment as its provider would; ``changes`` make it say something else."""
        settlement = Settlement(
            payment_id=payment.id,
            status=status,
            environment=payment.environment,  # type: ignore[arg-type]
            amount=payment.amount,
            currency=payment.currency,
            source="test",
        )
        with self.scope(payment.organisation_id) as scope:
            return settle(scope, replace(settlement, **changes), provider=payment.provider)

    def buy(self, customer: Customer, product: Product) -> Payment:
        """Open a payment and complete it."""
        return self.settle(self.payment(customer, product)).payment

    def jobs(self, organisation_id: str = "acme", *, within_s: int = 120) -> list[Mapping[str, Any]]:
        """The organisation's waiting jobs: ``id``, ``task_name``, ``args``.

        Args:
            within_s: those that are due within so many seconds. What asks about open payments comes later.
        """
        statement = text(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo'"
            " AND coalesce(scheduled_at, now()) <= now() + make_interval(secs => :within) ORDER BY id"
        )
        with self.scope(organisation_id) as scope:
            return [dict(row) for row in scope.session.execute(statement, {"within": within_s}).mappings()]

    def run_jobs(self, organisation_id: str = "acme", *, within_s: int = 120) -> list[str]:
        """Run the organisation's waiting jobs once, as the worker would; gives the names of those that want more.

        Args:
            within_s: see `jobs`.
        """
        again = []
        known = {job.name: job for job in self.runtime.jobs}
        for waiting in self.jobs(organisation_id, within_s=within_s):
            arguments = {key: value for key, value in waiting["args"].items() if key != "organisation_id"}
            try:
                run_job(self.runtime, known[waiting["task_name"]], organisation_id, arguments)
            except (TryAgain, CannotRunNow):
                again.append(waiting["task_name"])
                continue
            with self.scope(organisation_id) as scope:
                scope.session.execute(
                    text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": waiting["id"]}
                )
        return again


def return_urls(organisation: Organisation) -> ReturnUrls:
    """What a purchase on the organisation's own host says."""
    url = f"https://{organisation.hosts[0]}/"
    return ReturnUrls(url, url, f"{url}api/v1/")


def chosen_plugins(*names: str) -> Plugins:
    """The stand-ins, and installed plugins: those that are named, or all when none is.

    Raises:
        PluginError: one is not installed, or cannot be imported.
    """
    installed = Plugins.from_entry_points(names or None)
    return Plugins({**installed.modules, stand_ins.NAME: stand_ins})


def make_autonomy(plugins: Plugins, database: SwitchedDatabase, directory: Path, **settings: str) -> Autonomy:
    """Make the application for some plugins; the fixtures point its database somewhere for each test."""
    tenants = directory / "tenants"
    tenants.mkdir()
    raw = {"autonomy.tenants": str(tenants), "autonomy.data": str(directory / "data"), **settings}
    made = make_runtime(raw, plugins)
    made.database.dispose()
    runtime = replace(made, database=database, embedded=None)
    return Autonomy(ConformingApp(make_app(runtime)), runtime, database, directory)
