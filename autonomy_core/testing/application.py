"""`Autonomy`: an application with chosen plugins and organisations, for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import text

from autonomy_core.app import make_app
from autonomy_core.catalog.details import FIELDS, change_details
from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import add_account
from autonomy_core.jobs.running import run_job
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.retries import CannotRunNow, TryAgain
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.mail.services import DELIVER
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
        app: a WebTest client that compares every response with the API's description.
        runtime: the runtime of its process.
        database: the database, which the fixtures switch.
        directory: a directory for files of the tests.
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
            organisation_id: the organisation.
            plugins: the enabled plugins.
            hosts: its hosts; by default one that is derived from the id.
            currency: its currency.
            settings: the section of each plugin, as text.
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
        """Return an organisation in service."""
        organisation = self.runtime.tenants.get(organisation_id)
        assert organisation is not None, f"no organisation {organisation_id}"
        return organisation

    @contextmanager
    def scope(self, organisation_id: str = "acme") -> Iterator[TenantScope]:
        """Open a scope in a transaction that commits at the end of the block."""
        with self.runtime.transaction(self.get_organisation(organisation_id)) as scope:
            yield scope

    def customer(self, organisation_id: str = "acme", email: str = "ada@example.org") -> Customer:
        """Create a customer without a password."""
        with self.scope(organisation_id) as scope:
            return add_account(scope, email, "Ada")

    def as_customer(self, customer: Customer) -> dict[str, str]:
        """Return the headers of a customer's request; the stand-ins must be enabled."""
        return {stand_ins.CUSTOMER_HEADER: str(customer.id)}

    def as_staff(self, organisation_id: str = "acme", scopes: Sequence[str] | None = None) -> dict[str, str]:
        """Return the headers of a request with a new API key.

        Args:
            organisation_id: the organisation.
            scopes: the key's scopes; None for all, including those of plugins.
        """
        with self.scope(organisation_id) as scope:
            _, text_ = api_keys.issue(scope, "test", scopes or tuple(self.runtime.scopes), actor="test")
        return {"Authorization": f"Bearer {text_}"}

    def product(self, organisation_id: str = "acme", **values: Any) -> Product:
        """Create a product, by default a thing for 12.00. ``values`` may be details such as ``artist``."""
        values = {
            "title": "A thing",
            "description": "",
            "kind": "thing",
            "amount": 1200,
            "currency": "eur",
            **values,
        }
        with self.scope(organisation_id) as scope:
            details = {name: values.pop(name) for name in FIELDS & values.keys()}
            product = Product(organisation_id=organisation_id, **values)
            scope.session.add(product)
            scope.session.flush()
            change_details(scope, product, details)
            return product

    def payment(self, customer: Customer, product: Product) -> Payment:
        """Open a payment at the organisation's provider, without a checkout."""
        with self.scope(customer.organisation_id) as scope:
            return open_payment(scope, customer.id, product.id, return_urls(scope.organisation)).payment

    def settle(
        self, payment: Payment, status: PaymentStatus = PaymentStatus.COMPLETED, **changes: Any
    ) -> Settled:
        """Settle a payment as its provider would. ``changes`` replace values of the settlement."""
        settlement = Settlement(
            payment_id=payment.id,
            status=status,
            environment=payment.environment,
            amount=payment.amount,
            currency=payment.currency,
            source="test",
        )
        with self.scope(payment.organisation_id) as scope:
            return settle(scope, replace(settlement, **changes), provider=payment.provider)

    def buy(self, customer: Customer, product: Product) -> Payment:
        """Open a payment and complete it."""
        return self.settle(self.payment(customer, product)).payment

    def jobs(
        self, organisation_id: str = "acme", *, within_s: int = 120, with_mail: bool = False
    ) -> list[Mapping[str, Any]]:
        """Return the organisation's queued jobs: ``id``, ``task_name``, ``args``.

        Args:
            organisation_id: the organisation.
            within_s: only jobs that are due within so many seconds; checks of open payments are due later.
            with_mail: whether to return deliveries of mail, too, which nearly everything defers.
        """
        statement = text(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo'"
            " AND coalesce(scheduled_at, now()) <= now() + make_interval(secs => :within)"
            " AND (:with_mail OR task_name <> :deliver) ORDER BY id"
        )
        values = {"within": within_s, "with_mail": with_mail, "deliver": DELIVER}
        with self.scope(organisation_id) as scope:
            return [dict(row) for row in scope.session.execute(statement, values).mappings()]

    def mailbox(self) -> list[EmailMessage]:
        """Return the mail that the jobs of the test have sent, oldest first; see `run_jobs`."""
        found = sorted((self.runtime.settings.data / "mail").glob("*.eml"))
        parse = BytesParser(EmailMessage, policy=policy.default).parsebytes
        return [parse(path.read_bytes()) for path in found]

    def run_jobs(self, organisation_id: str = "acme", *, within_s: int = 120) -> list[str]:
        """Run the organisation's queued jobs once, as the worker would; return the names of those to retry.

        Args:
            organisation_id: the organisation.
            within_s: see `jobs`.
        """
        again = []
        known = {job.name: job for job in self.runtime.jobs}
        for waiting in self.jobs(organisation_id, within_s=within_s, with_mail=True):
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
    """Return the return URLs of a purchase on the organisation's own host."""
    url = f"https://{organisation.hosts[0]}/"
    return ReturnUrls(url, url, f"{url}api/v1/")


@cache
def chosen_plugins(*names: str) -> Plugins:
    """Return the stand-ins, and the named installed plugins, or all plugins without names.

    Raises:
        PluginError: a plugin is not installed, or cannot be imported.
    """
    installed = Plugins.from_entry_points(names or None)
    return Plugins({**installed.modules, stand_ins.NAME: stand_ins})


def make_autonomy(plugins: Plugins, database: SwitchedDatabase, directory: Path, **settings: str) -> Autonomy:
    """Build the application for some plugins. The fixtures switch its database for each test."""
    log_plainly()
    tenants = directory / "tenants"
    tenants.mkdir()
    raw = {"autonomy.tenants": str(tenants), "autonomy.data": str(directory / "data"), **settings}
    made = make_runtime(raw, plugins)
    made.database.dispose()
    runtime = replace(made, database=database, embedded=None)
    return Autonomy(ConformingApp(make_app(runtime)), runtime, database, directory)


def log_plainly() -> None:
    """Log to standard output, with tracebacks as the server writes them, whatever an earlier test has set.

    structlog's own tracebacks show the local variables of each frame, which takes seconds to draw.
    """
    structlog.reset_defaults()
    *before, _ = structlog.get_config()["processors"]
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, console])
