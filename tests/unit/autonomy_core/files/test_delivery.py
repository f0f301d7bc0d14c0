"""What the ini files select as the way to a file, and what they get wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from autonomy_core.files.area import FileArea
from autonomy_core.files.delivery import DELIVERIES, delivery_findings, hand_over
from autonomy_core.files.places import own_store
from autonomy_core.files.services import ServedFile
from autonomy_core.files.storage import storage_key
from autonomy_core.kernel.delivery import DeliveredFile, Handover, Redirect, SentByProxy
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import FilesSettings, StoreSettings

NGINX, SENDFILE, SIGNED_URL = DELIVERIES
AREA = FileArea("parts", lambda settings: settings.data / "own", plugin="scores", suffix=".bin")
KEYS = {"access_key": Secret("AKEXAMPLE"), "secret_key": Secret("hidden-secret")}
TREE = StoreSettings("file:///srv/files")
BUCKET = StoreSettings("s3://shop/files", **KEYS)
OWN = {"url": "s3://acme-own", "region": "eu-central-1", **KEYS}
FILE = ServedFile(storage_key("acme", "9f" * 32, ".bin"), 10, "9f" * 32, "audio/mpeg")


class Elsewhere:
    """The delivery of a plugin."""

    name = "elsewhere"

    def hand_over(self, scope: Any, file: DeliveredFile) -> Handover:
        return Redirect(f"https://cdn.example/{file.path}")


class World:
    """A runtime and an organisation.

    Args:
        store: of the server.
        own: the organisation's section ``[files]``.
        server: further settings of the server's files.
    """

    def __init__(self, directory: Path, store: StoreSettings, own: dict[str, Any], **server: Any) -> None:
        source = directory / "acme.ini"
        lines = "".join(f"{key} = x\n" for key in own if key != "delivery")
        source.write_text(f"[files]\n{lines}delivery = {own.get('delivery')}\n")
        self.organisation: Any = SimpleNamespace(
            id="acme", settings={"files": own}, source=source, plugins=("cdn",)
        )
        self.settings: Any = SimpleNamespace(data=directory, files=FilesSettings(store, **server))
        self.server, self._runtime = self.settings, self

    def deliveries_for(self, _: object) -> dict[str, Any]:
        return {each.name: each for each in (*DELIVERIES, Elsewhere())}

    def findings(self) -> list[str]:
        runtime: Any = self
        return [str(each) for each in delivery_findings(runtime, self.organisation)]

    def handed_over(self, delivery: Any, place: int = 0) -> Handover | None:
        scope: Any = self
        places = AREA.places(self.settings, own_store(self.organisation))
        return hand_over(scope, delivery, places[place], FILE, "inline")


@pytest.mark.parametrize(
    ("store", "own", "server", "found"),
    [
        (TREE, {"delivery": "redirect"}, {}, "no signed URLs for file:///srv/files"),
        (StoreSettings(), {"delivery": "redirect"}, {}, "no signed URLs for the directories of the server"),
        (replace(BUCKET, secret_key=None), {"delivery": "redirect"}, {}, "no signed URLs for s3://shop"),
        (TREE, {"delivery": "accel"}, {}, "autonomy.files.accel_prefix"),
        (TREE, {"delivery": "accel", **OWN}, {"accel_prefix": "/_files/"}, "s3://acme-own is no directory"),
        (TREE, {"delivery": "sendfile"}, {}, "set autonomy.files.delivery = sendfile in the server's ini"),
        (TREE, {"delivery": "sendfile", **OWN}, {"delivery": "sendfile"}, "s3://acme-own is no directory"),
        (TREE, {"delivery": "redirct"}, {}, "did you mean 'redirect'?"),
    ],
    ids=[
        "tree",
        "own-directories",
        "no-key",
        "no-prefix",
        "own-bucket",
        "unknown-proxy",
        "bucket-by-proxy",
        "misspelt",
    ],
)
def test_a_delivery_that_cannot_work_is_a_finding(
    tmp_path: Path, store: StoreSettings, own: dict[str, Any], server: dict[str, Any], found: str
) -> None:
    world = World(tmp_path, store, own, **server)
    (finding,) = world.findings()

    assert found in finding
    assert f"{tmp_path}/acme.ini:{len(own) + 1}: " in finding
    assert "hidden" not in finding


@pytest.mark.parametrize(
    ("store", "own", "server"),
    [
        (TREE, {}, {"delivery": "accel"}),
        (TREE, {"delivery": "server"}, {}),
        (TREE, {"delivery": "accel"}, {"accel_prefix": "/_files/"}),
        (TREE, {"delivery": "sendfile"}, {"delivery": "sendfile"}),
        (BUCKET, {"delivery": "redirect"}, {}),
        (TREE, {"delivery": "redirect", **OWN}, {}),
        (TREE, {"delivery": "elsewhere"}, {}),
    ],
    ids=["server-only", "server", "accel", "sendfile", "bucket", "own-bucket", "plugin"],
)
def test_a_delivery_that_works_is_no_finding(
    tmp_path: Path, store: StoreSettings, own: dict[str, Any], server: dict[str, Any]
) -> None:
    assert World(tmp_path, store, own, **server).findings() == []


def test_nginx_gets_the_files_of_the_present_store_only(tmp_path: Path) -> None:
    world = World(tmp_path, TREE, {}, accel_prefix="/_files/", previous=StoreSettings())

    assert world.handed_over(NGINX) == SentByProxy({"X-Accel-Redirect": f"/_files/scores/parts/{FILE.key}"})
    assert world.handed_over(NGINX, 1) is None
    assert World(tmp_path, TREE, {}).handed_over(NGINX) is None
    assert World(tmp_path, BUCKET, {}, accel_prefix="/_files/").handed_over(NGINX) is None


def test_a_proxy_gets_a_path_only_if_the_server_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, TREE, {}, delivery="sendfile", previous=StoreSettings())

    assert world.handed_over(SENDFILE) == SentByProxy({"X-Sendfile": f"/srv/files/scores/parts/{FILE.key}"})
    assert world.handed_over(SENDFILE, 1) is None
    assert World(tmp_path, TREE, {}).handed_over(SENDFILE) is None
    assert World(tmp_path, BUCKET, {}, delivery="sendfile").handed_over(SENDFILE) is None


def test_a_path_is_written_as_a_proxy_reads_it(tmp_path: Path) -> None:
    (directory := tmp_path / "50 % ä").mkdir()
    world = World(directory, StoreSettings(), {}, delivery="sendfile")

    handover = world.handed_over(SENDFILE)

    assert handover == SentByProxy({"X-Sendfile": f"{tmp_path}/50%20%25%20%C3%A4/own/{FILE.key}"})


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        ({}, "https://acme-own.s3.eu-central-1.amazonaws.com"),
        ({"path_style": True}, "https://s3.eu-central-1.amazonaws.com/acme-own"),
        ({"endpoint": "http://10.0.0.1:9000"}, "http://10.0.0.1:9000/acme-own"),
        (
            {"endpoint": "http://10.0.0.1:9000", "public_endpoint": "https://files.example"},
            "https://files.example/acme-own",
        ),
    ],
    ids=["aws", "path-style", "endpoint", "public-endpoint"],
)
def test_a_signed_url_is_at_the_address_of_clients(
    tmp_path: Path, changes: dict[str, Any], base: str
) -> None:
    handover = World(tmp_path, TREE, {**OWN, **changes}).handed_over(SIGNED_URL)

    assert isinstance(handover, Redirect)
    assert handover.url.startswith(f"{base}/scores/parts/acme/9f/")
    assert "eu-central-1%2Fs3%2Faws4_request" in handover.url
    assert "hidden-secret" not in handover.url


def test_each_store_has_the_cdn_of_its_own(tmp_path: Path, rsa_pem: str) -> None:
    cdn = {"cdn_url": "https://d1.cdn.example", "cdn_key_id": "K1", "cdn_private_key": Secret(rsa_pem)}
    world = World(tmp_path, replace(BUCKET, **cdn), OWN)
    of_server, of_organisation = (world.handed_over(SIGNED_URL, place) for place in (1, 0))

    assert isinstance(of_server, Redirect)
    url = urlsplit(of_server.url)
    assert (url.netloc, url.path) == ("d1.cdn.example", f"/files/scores/parts/{FILE.key}")
    assert "response-content-disposition=inline&response-content-type=audio%2Fmpeg&Expires=" in url.query
    assert isinstance(of_organisation, Redirect)
    assert urlsplit(of_organisation.url).netloc == "acme-own.s3.eu-central-1.amazonaws.com"
    assert World(tmp_path, TREE, {}).handed_over(SIGNED_URL) is None


def test_a_plugins_delivery_sees_no_key(tmp_path: Path) -> None:
    seen: list[DeliveredFile] = []

    class Looks(Elsewhere):
        def hand_over(self, scope: Any, file: DeliveredFile) -> Handover:
            seen.append(file)
            return super().hand_over(scope, file)

    handover = World(tmp_path, TREE, OWN).handed_over(Looks())

    assert handover == Redirect(f"https://cdn.example/scores/parts/{FILE.key}")
    assert (seen[0].local, seen[0].store, seen[0].seconds) == (None, "s3://acme-own", 900)
    assert "hidden-secret" not in repr(seen[0])
