"""The hooks that run when a payment is completed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from autonomy_core.grants.services import grant
from autonomy_core.kernel.events import PaymentCompleted
from autonomy_core.kernel.manager import Implementation
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentFacts
from autonomy_core.payments.hook_runs import COMPLETED_HOOK, call_guarded
from autonomy_core.payments.items import bought

HOOK = COMPLETED_HOOK
RETRY_JOB = "payments.retry_completion_hook"
"""The job that runs a failed hook again."""

RecordRun = Callable[[str, BaseException | None], None]
"""Records the result of a plugin's hook: the plugin, and the error that the hook raised, or None."""


def run_completion_hooks(scope: TenantScope, payment: PaymentFacts, record: RecordRun) -> None:
    """Run every plugin's hook for a completed payment.

    Args:
        scope: the organisation.
        payment: the payment.
        record: records the result of each hook.
    """
    for implementation in scope.hooks.implementations(HOOK):
        record(implementation.plugin, run_completion_hook(scope, payment, implementation))


def run_completion_hook(
    scope: TenantScope, payment: PaymentFacts, implementation: Implementation
) -> BaseException | None:
    """Run one plugin's hook; see `call_guarded`."""
    plugin = implementation.plugin
    grant_product = partial(grant, scope, payment, plugin=plugin)
    event = PaymentCompleted(scope, payment, plugin, bought(scope, payment), grant_product)
    return call_guarded(scope, implementation, event)
