"""The Python of the operations page does what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import HookRun
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
SECTION = PAGE.read_text("utf-8").partition("## Run a payment's hooks\n")[2]
CODE = re.search(r"```python\n(.*?)```", SECTION, re.DOTALL).group(1)
PAYMENT_ID = re.compile(r'(?<=UUID\(")[0-9a-f-]+')


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


GRANTING = ModuleType("granting.plugin")
GRANTING.NAME = "granting"
GRANTING.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, GRANTING.NAME: GRANTING})


def granted(autonomy):
    with autonomy.scope() as scope:
        return scope.session.scalars(select(Grant.product_id)).all()


def test_the_hooks_of_a_plugin_that_was_disabled_run_by_hand(autonomy):
    autonomy.organisation(plugins=(stand_ins.NAME, GRANTING.NAME))
    product = autonomy.product()
    payment = autonomy.payment(autonomy.customer(), product)
    autonomy.organisation(plugins=(stand_ins.NAME,))
    autonomy.settle(payment)
    assert granted(autonomy) == []

    autonomy.organisation(plugins=(stand_ins.NAME, GRANTING.NAME))
    for _ in range(2):
        with autonomy.scope() as scope:
            code = PAYMENT_ID.sub(str(payment.id), CODE)
            exec(code, {"scope": lambda organisation_id, scope=scope: scope})

    assert granted(autonomy) == [product.id]
    with autonomy.scope() as scope:
        assert [(run.plugin, run.outcome) for run in scope.session.scalars(select(HookRun))] == [
            (GRANTING.NAME, "succeeded")
        ]
