from __future__ import annotations

import copy
import json
import os
import pickle
import re
from pathlib import Path

import pytest
from marshmallow import Schema, ValidationError

from autonomy_core.tenancy.fields import SecretField
from autonomy_core.tenancy.secrets import MASK, Secret, UnresolvedReferenceError, resolve, resolving_from


def test_a_secret_shows_itself_only_when_asked_to():
    secret = Secret("hunter2")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        repr({"key": [secret]}),
        " ".join(map(str, [secret])),
    ]
    assert not any("hunter2" in each for each in shown)
    assert secret.reveal() == "hunter2"


def test_a_secret_cannot_be_pickled_or_written_as_json():
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        json.dumps(Secret("hunter2"))


def test_secrets_are_equal_by_value_and_to_nothing_else():
    assert Secret("é") == Secret("é")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert copy.deepcopy(Secret("a")) == Secret("a")


def test_a_reference_to_the_environment_is_resolved(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_KEY", "sk_test_1")
    assert resolve("env:SHOP_KEY") == "sk_test_1"


@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_or_empty_environment_variable_does_not_resolve(
    value: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SHOP_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_KEY", value)
    with pytest.raises(UnresolvedReferenceError):
        resolve("env:SHOP_KEY")


def test_a_variable_that_is_not_utf8_does_not_resolve_and_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_KEY", "hidden\udcff")
    with pytest.raises(UnresolvedReferenceError, match="SHOP_KEY is not UTF-8") as told:
        resolve("env:SHOP_KEY")
    assert "hidden" not in str(told.value)


def test_a_file_reference_is_relative_and_strips_the_final_newline(tmp_path: Path):
    (tmp_path / "key").write_text("sk_test_1\n")
    with resolving_from(tmp_path) as references:
        assert resolve("file:key") == "sk_test_1"
        assert resolve(f"file:{tmp_path / 'key'}") == "sk_test_1"
    assert [path for path, _ in references.files] == [tmp_path / "key"] * 2


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe", b"a" * 2_000_000])
def test_a_missing_empty_binary_or_huge_file_does_not_resolve(content: bytes | None, tmp_path: Path):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with resolving_from(tmp_path), pytest.raises(UnresolvedReferenceError):
        resolve("file:key")


def test_a_named_pipe_does_not_resolve_and_does_not_block(tmp_path: Path):
    os.mkfifo(tmp_path / "key")
    with resolving_from(tmp_path), pytest.raises(UnresolvedReferenceError):
        resolve("file:key")


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("env:HARBOUR_TEST_SECRET_KEY", "the environment variable HARBOUR_TEST_SECRET_KEY is not set"),
        ("env:KEY_2", "the environment variable KEY_2 is not set"),
        ("file:secrets/kingfisher-test-webhook", "the file secrets/kingfisher-test-webhook does not exist"),
        ("file:/run/secrets/stripe.key", "the file /run/secrets/stripe.key does not exist"),
        ("file:../secrets/live-key", "the file ../secrets/live-key does not exist"),
    ],
)
def test_an_unresolved_reference_says_which_it_is(reference: str, named: str, tmp_path: Path):
    with resolving_from(tmp_path), pytest.raises(UnresolvedReferenceError, match=re.escape(named)):
        resolve(reference)


@pytest.mark.parametrize(
    "pasted",
    [
        "sk_live_pasted_here_by_mistake",
        "secrets/sk_live_pasted",
        "whsec_pasted/by/mistake",
        "ak_pasted/by/mistake",
        "AKIA7PASTED2KEY4",
        "JBSWYPASTEDDPEHP",
        "0b6f4e2c/pasted8d1a7c",
        "wJalrPasted/K7MDENG/bPxRfi",
        "correct-horse-pasted-staple",
        "pasted",
    ],
)
@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_secret_pasted_into_a_reference_is_not_repeated(kind: str, pasted: str, tmp_path: Path):
    with resolving_from(tmp_path), pytest.raises(UnresolvedReferenceError) as info:
        resolve(f"{kind}:{pasted}")
    assert "pasted" not in str(info.value).lower()


@pytest.mark.parametrize(
    ("prefixes", "value", "code"),
    [
        (("sk_test_", "rk_test_"), "rk_live_hunter2", "live_key_in_test"),
        (("sk_live_", "rk_live_"), "sk_test_hunter2", "test_key_in_live"),
        (("sk_test_",), "whsec_hunter2", "invalid_value"),
        (("whsec_",), "sk_live_hunter2", "invalid_value"),
    ],
)
def test_a_key_of_another_kind_is_refused_by_prefix_without_showing_it(
    prefixes: tuple[str, ...], value: str, code: str
):
    schema = Schema.from_dict({"key": SecretField(prefixes=prefixes)})()
    with pytest.raises(ValidationError) as info:
        schema.load({"key": value})
    (message,) = info.value.messages_dict["key"]
    assert message.code == code
    assert "hunter2" not in f"{info.value} {message.remedy}"


def test_the_prefix_of_a_referenced_key_is_checked_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_KEY", "sk_live_1")
    schema = Schema.from_dict({"key": SecretField(prefixes=("sk_test_",))})()
    with pytest.raises(ValidationError, match="live key where a test key"):
        schema.load({"key": "env:SHOP_KEY"})


def test_dumping_a_secret_masks_it():
    schema = Schema.from_dict({"key": SecretField()})()
    assert schema.dump({"key": Secret("hunter2")}) == {"key": MASK}
