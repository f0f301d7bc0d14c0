"""The hosts of an organisation share passkeys: `/.well-known/webauthn`."""

import pytest


@pytest.fixture
def get(autonomy):
    autonomy.organisation("acme", hosts=("shop.example", "music.example:8443", "localhost:5173"))
    autonomy.organisation("beacon", hosts=("beacon.example",))
    return lambda host, status=200: autonomy.app.get(
        "/.well-known/webauthn", headers={"Host": host}, status=status
    )


@pytest.mark.parametrize("host", ["shop.example", "music.example:8443"])
def test_each_host_lists_the_hosts_of_its_organisation(get, host):
    answer = get(host)
    assert answer.content_type == "application/json"
    assert answer.json == {"origins": ["https://shop.example", "https://music.example:8443"]}


def test_another_organisation_has_a_list_of_its_own(get):
    assert get("beacon.example").json == {"origins": ["https://beacon.example"]}


def test_a_host_that_is_no_organisations_has_no_list(get):
    assert get("shared.example", 404).json["code"] == "not_found"
