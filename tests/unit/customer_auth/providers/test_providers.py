"""What an ini file says about providers, and what providers say."""

import pytest
from marshmallow import Schema, ValidationError

from customer_auth.providers.domain import (
    BASIC,
    UnusableMetadata,
    asserted_by,
    host_of,
    metadata_of,
    says_about_the_address,
)
from customer_auth.providers.setting import ProvidersField

LINE = "google https://accounts.google.example client-1 s3cret oauth2.googleapis.example"
DOCUMENT = {
    "issuer": "https://accounts.google.example",
    "authorization_endpoint": "https://login.google.example/authorize",
    "token_endpoint": "https://oauth2.googleapis.example/token",
    "jwks_uri": "https://accounts.google.example/keys",
    "userinfo_endpoint": "https://accounts.google.example/userinfo",
}


class Section(Schema):
    providers = ProvidersField()


def load(value):
    return Section().load({"providers": value})["providers"]


@pytest.fixture
def provider():
    return load(LINE)["google"]


def test_a_line_names_a_provider(provider):
    assert (provider.name, provider.issuer, provider.client_id) == (
        "google",
        "https://accounts.google.example",
        "client-1",
    )
    assert provider.client_secret.reveal() == "s3cret"
    assert provider.hosts == {"accounts.google.example", "oauth2.googleapis.example"}


def test_each_line_names_another_provider():
    assert list(load(f"\n{LINE}\n\ncompany https://id.example c2 s2\n")) == ["google", "company"]


def test_a_secret_can_be_a_reference(monkeypatch):
    monkeypatch.setenv("GOOGLE_SECRET", "from outside")
    provider = load(LINE.replace("s3cret", "env:GOOGLE_SECRET"))["google"]
    assert provider.client_secret.reveal() == "from outside"
    assert "from outside" not in repr(provider)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("google https://id.example client", "write name issuer client-id secret"),
        ("Google https://id.example client s3cret", "lower-case letters"),
        ("google id.example client s3cret", "absolute URL"),
        ("google ftp://id.example client s3cret", "absolute URL"),
        ("google https://user@id.example client s3cret", "absolute URL"),
        ("google https://id.example/?a=b client s3cret", "absolute URL"),
        ("google https://[ client s3cret", "absolute URL"),
        ("google https://id.example client s3cret https://id2.example", "host names"),
        (f"{LINE}\n{LINE}", "used twice"),
        ("google https://id.example client env:NOT_SET_HERE", "NOT_SET_HERE is not set"),
    ],
)
def test_a_wrong_line_is_a_problem_that_shows_no_secret(line, problem):
    with pytest.raises(ValidationError, match=problem) as refused:
        load(line)
    assert "s3cret" not in str(refused.value)


def test_the_metadata_of_a_provider(provider):
    found = metadata_of(provider, DOCUMENT)
    assert found.token_endpoint == DOCUMENT["token_endpoint"]
    assert found.token_endpoint_auth_method == BASIC


def test_a_provider_without_basic_gets_the_secret_in_the_body(provider):
    document = {**DOCUMENT, "token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert metadata_of(provider, document).token_endpoint_auth_method == "client_secret_post"


@pytest.mark.parametrize("endpoint", [None, 5, "https://localhost/", "https://userinfo.google.example/"])
def test_a_userinfo_that_must_not_be_called_is_none(provider, endpoint):
    assert metadata_of(provider, {**DOCUMENT, "userinfo_endpoint": endpoint}).userinfo_endpoint is None


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://accounts.google.example/"},
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "https://evil.example/token"},
        {"token_endpoint": "https://169.254.169.254/latest/meta-data"},
        {"token_endpoint": "https://accounts.google.example@evil.example/token"},
        {"token_endpoint": "https://accounts.google.example:8443/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"jwks_uri": "https://evil.example/keys"},
        {"jwks_uri": 5},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_metadata_that_lead_elsewhere_are_refused(provider, change):
    with pytest.raises(UnusableMetadata):
        metadata_of(provider, {**DOCUMENT, **change})


@pytest.mark.parametrize("document", [None, [], "text", 5, {}])
def test_an_answer_that_is_no_description_is_refused(provider, document):
    with pytest.raises(UnusableMetadata):
        metadata_of(provider, document)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://ID.example/path", "id.example"),
        ("http://localhost:9400", "localhost:9400"),
        ("//id.example/", None),
        ("https:///path", None),
    ],
)
def test_the_host_of_a_url(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("claim", "is_verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (1, False), (None, False), ([], False)],
)
def test_only_a_clear_claim_verifies_an_address(claim, is_verified):
    asserted = asserted_by({"sub": "1", "email": "ada@example.org", "email_verified": claim})
    assert asserted.email_verified is is_verified


def test_claims_of_another_type_say_nothing():
    asserted = asserted_by({"sub": "1", "email": ["ada@example.org"], "name": 5})
    assert (asserted.email, asserted.name, asserted.email_verified) == (None, None, False)


@pytest.mark.parametrize("subject", [{}, {"sub": 5}, {"sub": " "}])
def test_claims_need_a_subject(subject):
    with pytest.raises(KeyError):
        asserted_by(subject)


def test_an_id_token_may_leave_the_address_to_userinfo():
    assert says_about_the_address({"email": "ada@example.org", "email_verified": True})
    assert not says_about_the_address({"email": "ada@example.org"})
