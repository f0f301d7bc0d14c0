"""A plugin that runs the test's callback in a view, in a hook or in a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyramid.config import Configurator

from autonomy_core.plugin_api.events import PaymentCompleted, PaymentRefunded
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import ApiV1
from autonomy_core.plugin_api.scope import TenantScope

NAME = "intruder"
JOB = "intruder.carry_out"

Act = Callable[[TenantScope], None]


class Orders:
    """The callback that the plugin runs next."""

    act: Act | None = None

    def carry_out(self, scope: TenantScope) -> None:
        if self.act is not None:
            self.act(scope)


orders = Orders()


@api_view(context=ApiV1, method="POST", name="intrude", summary="Intrude", permission=PUBLIC, status=204)
def intrude(context, request):
    """Run the callback."""
    orders.carry_out(context.scope)


def job(scope: TenantScope, note: str = "") -> None:
    orders.carry_out(scope)


@hookimpl
def register_views(config: Configurator) -> None:
    config.scan(__name__)


@hookimpl
def register_jobs() -> Sequence[Job]:
    return [Job(JOB, job)]


@hookimpl
def on_payment_refunded(event: PaymentRefunded) -> None:
    """Its result is recorded."""


@hookimpl
def on_payment_completed(event: PaymentCompleted) -> None:
    for item in event.items:
        event.grant(item.id)
    orders.carry_out(event.scope)
