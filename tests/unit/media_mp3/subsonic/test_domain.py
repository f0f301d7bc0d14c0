"""Parameters, credentials and ids of OpenSubsonic."""

from __future__ import annotations

from hashlib import md5
from uuid import uuid4

import pytest

from media_mp3.subsonic.domain import (
    ALBUM,
    CONFLICTING,
    MISSING,
    NOT_FOUND,
    TRACK,
    Parameters,
    ProtocolError,
    credentials_of,
    identifier,
    uuid_in,
)

SECRET = "w7kq2mzp9c"


def read(**values):
    return Parameters(list(values.items()))


def refused(code, call, *arguments, **options):
    with pytest.raises(ProtocolError) as caught:
        call(*arguments, **options)
    assert caught.value.code == code
    return caught.value.message


def salted(secret, salt="c19b2d"):
    return read(u="phone", t=md5(f"{secret}{salt}".encode()).hexdigest(), s=salt)


@pytest.mark.parametrize(
    "parameters",
    [
        salted(SECRET),
        read(u="phone", t=md5(f"{SECRET}salt".encode()).hexdigest().upper(), s="salt"),
        read(u="phone", p=SECRET),
        read(u="phone", p=f"enc:{SECRET.encode().hex()}"),
        read(apiKey=f"phone-{SECRET}"),
    ],
    ids=["salted", "salted, in capitals", "plain", "hidden", "key"],
)
def test_each_way_to_present_a_password_proves_it(parameters):
    credentials = credentials_of(parameters)

    assert credentials.name == "phone"
    assert credentials.match(SECRET)
    assert not credentials.match(f"{SECRET}x")
    assert SECRET not in repr(credentials)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (read(u="phone", apiKey=f"phone-{SECRET}"), CONFLICTING),
        (read(p=SECRET, apiKey=f"phone-{SECRET}"), CONFLICTING),
        (read(u="phone", p=SECRET, t="0" * 32, s="salt"), CONFLICTING),
        (read(), MISSING),
        (read(u="phone"), MISSING),
        (read(u="phone", t="0" * 32), MISSING),
        (read(u="phone\0", p=SECRET), MISSING),
    ],
)
def test_credentials_that_are_missing_or_contradict_each_other(parameters, code):
    refused(code, credentials_of, parameters)


def test_a_password_of_another_form_is_only_wrong():
    for strange in ("enc:zz", "enc:ff", "", "é" * 40):
        parameters = Parameters([("u", "phone"), ("p", strange or "x")])
        assert not credentials_of(parameters).match(SECRET)


def test_numbers_stay_in_their_limits():
    parameters = Parameters(
        [("size", "900"), ("offset", "-3"), ("count", "many"), ("time", "1"), ("time", "2")]
    )

    assert parameters.number("size", 10, most=500) == 500
    assert parameters.number("offset", 0) == 0
    assert parameters.number("other", 7) == 7
    assert parameters.numbers("time") == [1, 2]
    assert "count" in refused(MISSING, parameters.number, "count", 1)


def test_an_id_names_its_kind():
    album = uuid4()
    assert uuid_in(ALBUM, identifier(ALBUM, album)) == album
    for wrong in (identifier(TRACK, album), str(album), "al-", "al-1", ""):
        refused(NOT_FOUND, uuid_in, ALBUM, wrong)
