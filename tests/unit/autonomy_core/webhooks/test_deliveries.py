"""Deliveries are counted in memory, by organisation, source, environment and day.

A failure loses none of them.
"""

from types import SimpleNamespace

import pytest

from autonomy_core.webhooks.deliveries import UNKNOWN, Deliveries


def written_by(deliveries, organisation_id):
    """What is added to an organisation's rows, by source and environment."""
    statements = []
    organisation, session = SimpleNamespace(id=organisation_id), SimpleNamespace(execute=statements.append)
    deliveries.write(SimpleNamespace(organisation=organisation, session=session))
    # The last one removes old counts.
    found = [statement.compile().params for statement in statements[:-1]]
    return {(each["source"], each["environment"]): (each["verified"], each["refused"]) for each in found}


def test_each_source_and_environment_has_counts_of_its_own():
    deliveries = Deliveries()
    for source in ("stripe", "stripe", "postpay"):
        deliveries.count_verified("acme", source, "test")
    deliveries.count_verified("acme", "stripe", "live")
    deliveries.count_refused("acme", "stripe")
    deliveries.count_refused("other", "stripe")
    assert set(deliveries.waiting()) == {"acme", "other"}
    assert written_by(deliveries, "acme") == {
        ("stripe", "test"): (2, 0),
        ("postpay", "test"): (1, 0),
        ("stripe", "live"): (1, 0),
        ("stripe", UNKNOWN): (0, 1),
    }
    assert set(deliveries.waiting()) == {"other"}


def test_what_could_not_be_written_is_written_the_next_time():
    deliveries, written = Deliveries(), []
    deliveries.count_verified("acme", "stripe", "test")

    def execute(statement):
        written.append(statement)
        if len(written) == 1:
            raise ConnectionError

    scope = SimpleNamespace(organisation=SimpleNamespace(id="acme"), session=SimpleNamespace(execute=execute))
    with pytest.raises(ConnectionError):
        deliveries.write(scope)
    deliveries.count_verified("acme", "stripe", "test")
    deliveries.write(scope)
    assert written[1].compile().params["verified"] == 2
    assert tuple(deliveries.waiting()) == ()
