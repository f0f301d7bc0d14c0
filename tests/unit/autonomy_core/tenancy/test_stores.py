"""The keys of stores are checked together, and messages contain no value that may be a secret."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from autonomy_core.files.places import own_store
from autonomy_core.settings import load_settings
from autonomy_core.settings_schema import SettingsError
from autonomy_core.tenancy.loader import load_file
from autonomy_core.tenancy.stores import DEFAULT_REGION, EndpointField, StoreSettings, StoreUrlField

S3 = {
    "url": "s3://shop/files",
    "endpoint": "https://s3.example:9000",
    "access_key": "env:S3_ACCESS_KEY",
    "secret_key": "env:S3_SECRET_KEY",
}


ACCEL = {"delivery": "accel", "accel_prefix": "/_files/", "trusted_proxies": "127.0.0.1"}
SENDFILE = {"delivery": "sendfile", "trusted_proxies": "127.0.0.1"}
CDN = {"cdn_url": "https://d1.example", "cdn_key_id": "K1", "cdn_private_key": "env:S3_SECRET_KEY"}


def load(directory, trusted_proxies="", **values):
    raw = {"autonomy.tenants": str(directory), "autonomy.data": str(directory / "data")}
    raw |= {"autonomy.trusted_proxies": trusted_proxies} if trusted_proxies else {}
    raw |= {f"autonomy.files.{key}": value for key, value in values.items() if value is not None}
    return load_settings(raw, {}, keep_secret=False).files


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setenv("S3_ACCESS_KEY", "AKEXAMPLE")
    monkeypatch.setenv("S3_SECRET_KEY", "hidden-secret")


def test_without_keys_each_plugin_has_a_directory_of_its_own(tmp_path):
    files = load(tmp_path)
    assert (files.store, files.previous, files.timeout) == (StoreSettings(), None, 20)
    assert not files.store.is_remote


def test_a_store_and_the_previous_one_are_read(tmp_path):
    files = load(tmp_path, **S3, timeout="7", previous_url="directory:")
    assert (files.store.scheme, files.store.bucket, files.store.path) == ("s3", "shop", "files")
    assert files.store.access_key.reveal() == "AKEXAMPLE"
    assert files.store.path_style
    assert files.previous == StoreSettings()
    assert files.timeout == 7
    assert "hidden-secret" not in repr(files) + str(files)


@pytest.mark.parametrize(
    ("values", "key", "problem"),
    [
        ({"url": "s3://shop", "access_key": "env:S3_ACCESS_KEY"}, "secret_key", "it is missing"),
        ({"url": "file:///srv/files", "endpoint": "https://s3.example"}, "endpoint", "only a store at s3://"),
        ({"url": "file:///srv/files", "access_key": "env:S3_ACCESS_KEY"}, "access_key", "a key for a dir"),
        ({**S3, "secret_key": "hidden-secret"}, "secret_key", "write a reference"),
        ({**S3, "secret_key": "env:S3_NOT_SET"}, "secret_key", "names is empty"),
        ({**S3, "endpoint": "https://AK:hidden-secret@s3.example"}, "endpoint", "not the address"),
        ({**S3, "path_style": "perhaps"}, "path_style", "Write yes or no"),
        ({**S3, "region": "eu central"}, "region", "not a region"),
        ({**S3, "timeout": "0"}, "timeout", "Must be"),
        ({"previous_url": "directory:"}, "previous_url", "it is the store that"),
        ({**S3, "previous_url": "s3://old", "previous_secret_key": "env:S3_SECRET_KEY"},
         "previous_access_key", "it is missing"),
        ({"url": "gs://shop", "access_key": "env:S3_ACCESS_KEY", "secret_key": "env:S3_SECRET_KEY"},
         "access_key", "no key of a store at gs"),
        ({"public_endpoint": "https://s3.example"}, "public_endpoint", "only a store at s3://"),
        ({"delivery": "accel"}, "delivery", "it needs autonomy.files.accel_prefix"),
        ({**S3, **ACCEL}, "delivery", "a proxy has no files of s3://"),
        ({**S3, **SENDFILE}, "delivery", "a proxy has no files of s3://"),
        ({"delivery": "sendfile"}, "delivery", "it needs autonomy.trusted_proxies"),
        ({"delivery": "redirect"}, "delivery", "the store has no signed URLs"),
        ({"url": "s3://shop", "delivery": "redirect"}, "delivery", "the store has no signed URLs"),
        ({"delivery": "Accel!"}, "delivery", "not the name of a delivery"),
        ({"accel_prefix": "/_files/"}, "accel_prefix", "it needs autonomy.trusted_proxies"),
        ({"accel_prefix": "/../"}, "accel_prefix", "the path of an internal location"),
        ({**S3, "url_seconds": "5"}, "url_seconds", "Must be"),
        ({**S3, **CDN, "cdn_key_id": None}, "cdn_key_id", "it is missing"),
        ({**CDN, "url": "directory:"}, "cdn_url", "a CDN needs a store"),
        ({**S3, **CDN, "cdn_key_id": "no id"}, "cdn_key_id", "not the id of a key"),
        ({**S3, **CDN}, "cdn_private_key", "not an RSA key"),
    ],
)  # fmt: skip
def test_keys_that_do_not_fit_are_refused_by_name(tmp_path, values, key, problem):
    with pytest.raises(SettingsError) as error:
        load(tmp_path, **values)
    assert [name for name, _ in error.value.problems] == [f"autonomy.files.{key}"]
    assert problem in str(error.value)
    assert "hidden-secret" not in str(error.value)


def test_a_delivery_is_read_with_what_it_needs(tmp_path):
    files = load(tmp_path, **ACCEL, url_seconds="60")
    assert (files.delivery, files.accel_prefix, files.url_seconds) == ("accel", "/_files/", 60)
    assert load(tmp_path, **S3, delivery="redirect").store.has_signed_urls
    assert load(tmp_path, **SENDFILE).delivery == "sendfile"
    assert load(tmp_path).delivery == "server"


@pytest.mark.parametrize(
    "url",
    ["", "s3:", "s3://", "s3://AK:hidden@shop/x", "s3://Shop", "s3://shop/../other", "s3://shop//x",
     "s3://shop?key=hidden", "s3://shop:80", "s3://shop/%2e%2e", "file:", "file://", "file:///",
     "file://host/srv", "file:srv", "file:///srv/../etc", "http://shop", "memory:///", "directory:x",
     "ftp://shop", "s3://sh op", "s3://shop\n"],
)  # fmt: skip
def test_what_is_no_store_is_refused_and_not_shown(url):
    with pytest.raises(ValidationError) as error:
        StoreUrlField().deserialize(url)
    assert "hidden" not in str(error.value)
    assert error.value.messages[0].remedy.startswith("give s3://bucket/prefix")


@pytest.mark.parametrize("url", ["s3://shop", "s3://shop/a/b/", "gs://shop/a", "az://box", "file:///srv/a-b"])
def test_what_is_a_store_is_accepted(url):
    assert StoreUrlField().deserialize(url) == url


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://S3.Example:443/", "https://s3.example"),
        ("HTTP://s3.example:80", "http://s3.example"),
        ("http://s3.example:443", "http://s3.example:443"),
        ("https://s3.example:09000", "https://s3.example:9000"),
        ("https://s3.example:", "https://s3.example"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_an_endpoint_is_signed_as_clients_send_it(written, sent):
    assert EndpointField().deserialize(written) == sent


def organisation(directory, *lines):
    path = directory / "acme.ini"
    path.write_text("\n".join(["[organisation]", "name = Acme", "currency = eur", "[files]", *lines]) + "\n")
    path.chmod(0o600)
    return load_file(path, {})


def test_an_organisation_has_a_bucket_of_its_own(tmp_path):
    loaded = organisation(tmp_path, *(f"{key} = {value}" for key, value in S3.items()))
    store = own_store(loaded.organisation)
    assert (store.bucket, store.endpoint) == ("shop", "https://s3.example:9000")
    assert store.secret_key.reveal() == "hidden-secret"
    assert (store.region or DEFAULT_REGION) == "us-east-1"
    assert own_store(organisation(tmp_path).organisation) is None


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        # Directories of the machine, and the account of the server, are the operator's.
        (["url = file:///srv/files"], 5, "no store of an organisation's own"),
        (["url = directory:"], 5, "no store of an organisation's own"),
        (["url = s3://another-bucket"], 4, "needs 'secret_key'"),
        (
            ["", "access_key = env:S3_ACCESS_KEY", "secret_key = env:S3_SECRET_KEY"],
            6,
            "a key for a directory",
        ),
        (["delivery = by pigeon"], 5, "not the name of a delivery"),
        (["cdn_url = https://d1.example"], 4, "needs 'cdn_key_id'"),
    ],
)
def test_an_organisations_file_is_refused_with_line_and_remedy(tmp_path, lines, line, problem):
    problems = organisation(tmp_path, *lines).problems
    assert problem in str(problems[0])
    assert problems[0].line == line
    assert problems[0].remedy
