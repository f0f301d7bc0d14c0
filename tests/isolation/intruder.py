"""A plugin that does, from inside, whatever a test has ordered. Its view, hook and job are a plugin's three ways in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyramid.config import Configurator

from autonomy_core.plugin_api.events import PaymentCompleted
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import ApiV1
from autonomy_core.plugin_api.scope import TenantScope

NAME = "intruder"
JOB = "intruder.carry_out"

Act = Callable[[TenantScope], None]


class Orders:
    """What the plugin does next."""

    act: Act | None = None

    def carry_out(self, scope: TenantScope) -> None:
        if self.act is not None:
            self.act(scope)


orders = Orders()


@api_view(context=ApiV1, method="POST", name="intrude", summary="Intrude", permission=PUBLIC, status=204)
def intrude(context, request):
    """Does what was ordered."""
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
def on_payment_completed(event: PaymentCompleted) -> None:
    for item in event.items:
        event.grant(item.id)
    orders.carry_out(event.scope)
