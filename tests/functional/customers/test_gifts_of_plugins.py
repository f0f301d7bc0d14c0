"""Plugins give products without a payment."""

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.catalog.bundles import UnknownProduct
from autonomy_core.db.base import uuid7
from autonomy_core.errors import NotFound
from autonomy_core.mail.models import MailMessage
from autonomy_core.plugin_api.grants import Grant, give, owns


@pytest.fixture
def ada(autonomy):
    autonomy.organisation()
    return autonomy.customer()


def given(autonomy, customer_id, product_id, reason="a welcome"):
    """The titles of what a plugin has given."""
    with autonomy.scope() as scope:
        new = give(scope, customer_id, product_id, reason, plugin="club")
        return [grant.product.title for grant in new]


def rows(autonomy, model):
    with autonomy.scope() as scope:
        return list(scope.session.scalars(select(model)))


def test_a_gift_of_a_plugin_is_owned_recorded_and_not_announced(autonomy, ada):
    product = autonomy.product(title="First Light")
    assert given(autonomy, ada.id, product.id) == ["First Light"]
    with autonomy.scope() as scope:
        assert owns(scope, ada.id, product.id)
    (grant,) = rows(autonomy, Grant)
    assert (grant.payment_id, grant.plugin, grant.given_by) == (None, "club", "plugin:club")
    (entry,) = [each for each in rows(autonomy, AuditEntry) if each.action == "grant.given"]
    assert (entry.actor, entry.detail["reason"]) == ("plugin:club", "a welcome")
    assert rows(autonomy, MailMessage) == []


def test_a_repeated_gift_of_a_plugin_changes_nothing(autonomy, ada):
    product = autonomy.product()
    given(autonomy, ada.id, product.id)
    assert given(autonomy, ada.id, product.id) == []
    assert len(rows(autonomy, Grant)) == 1


def test_a_plugin_cannot_give_what_does_not_exist(autonomy, ada):
    with pytest.raises(UnknownProduct):
        given(autonomy, ada.id, uuid7())
    with pytest.raises(NotFound):
        given(autonomy, uuid7(), autonomy.product().id)


def test_staff_take_back_what_a_plugin_has_given(autonomy, ada):
    product = autonomy.product()
    given(autonomy, ada.id, product.id)
    (grant,) = rows(autonomy, Grant)
    path = f"/acme/api/v1/admin/customers/{ada.id}/grants/{grant.id}/revoke"
    autonomy.app.post_json(path, {"reason": "a mistake"}, headers=autonomy.as_staff())
    with autonomy.scope() as scope:
        assert not owns(scope, ada.id, product.id)
