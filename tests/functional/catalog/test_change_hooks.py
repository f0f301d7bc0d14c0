"""Plugins are told what has changed about a product and its cover, in the transaction of the change."""

from __future__ import annotations

from types import ModuleType

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.catalog import change_product, find_product
from autonomy_core.plugin_api.errors import Conflict
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from autonomy_core.testing.conformance import UNCHECKED
from tests.functional.catalog.shop import Shop
from tests.functional.media_mp3.steps import picture

told = []
actions = []


class Sealed(Conflict):
    code, title = "sealed", "The catalogue is sealed"


def act(event):
    for action in actions:
        action(event)


def refuse(event):
    raise Sealed("Ask the label.")


def fail(event):
    raise RuntimeError("a mistake")


def commit(event):
    event.scope.session.commit()


@hookimpl
def on_product_changed(event):
    product = find_product(event.scope, event.product_id)
    told.append((event.scope.organisation.id, event.kind, product.title, event.changed))
    act(event)
    if product.title == "first light":
        change_product(event.scope, product, {"title": "First Light"}, actor="plugin:watching")


@hookimpl
def on_image_changed(event):
    told.append((event.scope.organisation.id, event.subject, event.subject_id, event.changed))
    act(event)


WATCHING = ModuleType("watching.plugin")
WATCHING.on_product_changed = on_product_changed
WATCHING.on_image_changed = on_image_changed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, "watching": WATCHING})


@pytest.fixture
def shop(autonomy):
    told.clear()
    actions.clear()
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "watching"))
    return Shop(autonomy, "acme")


def put_cover(shop, product, content, status=200, **fields):
    path = f"{shop.api}/admin/products/{product['id']}/cover"
    files = [("file", "cover.png", content, "image/png")]
    return shop.app.put(path, fields, headers=shop.staff, upload_files=files, status=status)


def covers_told():
    return [{*changed} for _, subject, _, changed in told if subject == "product"]


def test_a_plugin_is_told_which_values_of_a_product_have_changed(shop):
    product = shop.make(artist="Ada")
    assert told == []  # it is new

    shop.change(product, title="Night Ferry", artist="Ada", release_date="2024-02-29", amount=1200)
    shop.change(product, archived=True)
    shop.change(product, archived=True, tags=["ambient"])

    assert told == [
        ("acme", "thing", "Night Ferry", {"title", "release_date", "amount"}),
        ("acme", "thing", "Night Ferry", {"archived"}),
        ("acme", "thing", "Night Ferry", {"tags"}),
    ]


def test_a_change_to_the_same_values_is_none(shop):
    product = shop.make(artist="Ada", tags=["ambient"], other_prices=[{"currency": "usd", "amount": 1000}])

    shop.change(product, title="First Light", artist="Ada", tags=["ambient"], archived=False)
    shop.change(product, other_prices=[{"currency": "usd", "amount": 1000}])

    assert told == []


def test_a_plugin_is_told_about_the_cover_of_a_product(shop):
    product = shop.make()
    path = f"{shop.api}/admin/products/{product['id']}/cover"

    put_cover(shop, product, picture(colour="red"), alt="A wave")
    put_cover(shop, product, picture(colour="red"), alt="A wave")
    put_cover(shop, product, picture(colour="blue"), alt="A wave")
    shop.app.patch_json(path, {"alt": "The sea"}, headers=shop.staff)
    shop.app.patch_json(path, {"alt": "The sea"}, headers=shop.staff)
    shop.app.delete(path, headers=shop.staff)

    assert covers_told() == [{"digest", "alt"}, {"digest"}, {"alt"}, {"digest", "alt"}]
    assert {(organisation, str(subject_id)) for organisation, _, subject_id, _ in told} == {
        ("acme", product["id"])
    }


def test_an_organisation_without_the_plugin_tells_it_nothing(shop):
    shop.autonomy.organisation("other", plugins=(stand_ins.NAME,))
    other = Shop(shop.autonomy, "other")
    product = other.make()

    other.change(product, title="Night Ferry")
    put_cover(other, product, picture())

    assert told == []


def test_what_a_plugin_changes_in_its_hook_is_told_as_well(shop):
    product = shop.make(title="Tide")

    shop.change(product, title="first light")

    assert [title for _, _, title, _ in told] == ["first light", "First Light"]
    assert shop.get(product["id"]).json["title"] == "First Light"


def test_a_plugin_that_raises_or_commits_rejects_the_change(shop):
    product = shop.make()
    path = f"{shop.api}/admin/products/{product['id']}"
    sent = {"params": {"title": "Night Ferry"}, "headers": shop.staff, "extra_environ": UNCHECKED}

    actions[:] = [refuse]
    refused = shop.app.patch_json(path, status=409, **sent)
    for action in (fail, commit):
        actions[:] = [action]
        shop.app.patch_json(path, status=500, **sent)

    assert (refused.json["code"], refused.json["detail"]) == ("sealed", "Ask the label.")
    assert shop.get(product["id"]).json["title"] == "First Light"


def test_a_plugin_that_raises_rejects_a_cover(shop):
    product = shop.make()
    put_cover(shop, product, picture(colour="red"))
    before = shop.get(product["id"]).json["cover"]
    path = f"{shop.api}/admin/products/{product['id']}/cover"
    upload = [("file", "cover.png", picture(colour="blue"), "image/png")]
    sent = {"headers": shop.staff, "status": 409, "extra_environ": UNCHECKED}

    actions[:] = [refuse]
    shop.app.put(path, upload_files=upload, **sent)
    shop.app.patch_json(path, {"alt": "The sea"}, **sent)
    shop.app.delete(path, **sent)

    assert shop.get(product["id"]).json["cover"] == before
