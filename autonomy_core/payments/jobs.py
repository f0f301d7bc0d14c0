"""The jobs of payments."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.payments.models import HookRun
from autonomy_core.payments.settlement import HOOK, RETRY_JOB, lock_payment, run_completion_hook
from autonomy_core.plugin_api.jobs import Job, TryAgain
from autonomy_core.plugin_api.scope import TenantScope


def retry_completion_hook(scope: TenantScope, *, payment_id: str, plugin: str) -> None:
    """Run the hook that failed again; nothing happens when it has succeeded meanwhile.

    Raises:
        TryAgain: it failed again, or the organisation has disabled the plugin: what was paid for is not
            forgotten, and is delivered when the plugin is back.
    """
    payment = lock_payment(scope, UUID(payment_id))
    run = scope.session.get(HookRun, (scope.organisation.id, payment.id, plugin))
    if run is None or run.outcome == "succeeded":
        return
    implementation = next((each for each in scope.hooks.implementations(HOOK) if each.plugin == plugin), None)
    if implementation is None:
        raise TryAgain(f"{plugin} is disabled; its {HOOK} for payment {payment_id} waits")
    if not run_completion_hook(scope, payment, implementation):
        raise TryAgain(f"{plugin}.{HOOK} failed again for payment {payment_id}")


JOBS = (Job(RETRY_JOB, retry_completion_hook),)
