"""The plugin's section of an organisation's ini file, and the problems reported for it."""

import pytest
from marshmallow import ValidationError

from autonomy_core.tenancy.loader import load_file
from stripe_payments.settings import StripeServerSettings, StripeSettings, keys_of
from stripe_payments.testing import stripe_settings


@pytest.fixture
def problems(tmp_path):
    """Return the problems of a section."""

    def load(section):
        lines = [
            "[organisation]",
            "name = Acme",
            "currency = eur",
            "plugins = stripe_payments",
            "[stripe_payments]",
        ]
        lines += [f"{key} = {value}" for key, value in section.items()]
        path = tmp_path / "acme.ini"
        path.write_text("\n".join(lines), "utf-8")
        return load_file(path, {"stripe_payments": StripeSettings}).problems

    return load


def only(section, *keys):
    return {key: value for key, value in section.items() if key in keys}


TEST_KEYS = ("environment", "test_secret_key", "test_public_key", "test_webhook_secret")


def test_the_keys_of_the_chosen_environment_are_enough(problems):
    assert problems(only(stripe_settings(), *TEST_KEYS)) == ()
    live = stripe_settings(environment="live")
    assert problems(only(live, "environment", "secret_key", "public_key", "webhook_secret")) == ()


@pytest.mark.parametrize("key", TEST_KEYS)
def test_a_missing_key_is_a_problem(problems, key):
    section = stripe_settings()
    del section[key]
    (problem,) = problems(section)
    assert problem.code == "missing_key"
    assert repr(key) in problem.message


def test_the_keys_of_the_other_environment_do_not_replace_them(problems):
    assert {problem.code for problem in problems(only(stripe_settings(environment="live"), *TEST_KEYS))} == {
        "missing_key"
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"test_secret_key": "sk_live_abc"}, "live_key_in_test"),
        ({"test_secret_key": "rk_live_abc"}, "live_key_in_test"),
        ({"secret_key": "sk_test_abc"}, "test_key_in_live"),
        ({"test_public_key": "pk_live_abc"}, "live_key_in_test"),
        ({"public_key": "pk_test_abc"}, "test_key_in_live"),
        ({"test_secret_key": "pk_test_abc"}, "invalid_value"),
        ({"test_webhook_secret": "we_123"}, "invalid_value"),
        ({"test_webhook_endpoint_id": "whsec_123"}, "invalid_value"),
        ({"test_secret_key": "sk_test_schlüssel"}, "invalid_value"),
        ({"test_secret_key": "sk_test_two words"}, "invalid_value"),
        ({"environment": "sandbox"}, "invalid_value"),
        ({"api_base": "http://127.0.0.1:1"}, "unknown_key"),
    ],
)
def test_a_misplaced_value_is_reported_by_line_and_not_shown(problems, change, code):
    section = stripe_settings() | change
    (problem,) = problems(section)
    assert problem.code == code
    (key,) = change
    assert problem.line == 6 + list(section).index(key)
    assert change[key] not in str(problem) or key == "environment"


def test_every_problem_is_reported_at_once(problems):
    section = stripe_settings() | {"test_secret_key": "sk_live_abc", "secret_key": "sk_test_abc"}
    del section["test_public_key"]
    assert {problem.code for problem in problems(section)} == {
        "live_key_in_test",
        "test_key_in_live",
        "missing_key",
    }


def test_restricted_keys_are_accepted(problems):
    assert problems(stripe_settings(test_secret_key="rk_test_abc", secret_key="rk_live_abc")) == ()


def test_test_and_live_have_a_webhook_secret_each(problems):
    (problem,) = problems(stripe_settings(webhook_secret="whsec_one", test_webhook_secret="whsec_one"))
    assert "test_webhook_secret" in problem.message
    assert "whsec_one" not in str(problem)


@pytest.mark.parametrize("live", ["webhook_secret", "previous_webhook_secret"])
@pytest.mark.parametrize("test", ["test_webhook_secret", "test_previous_webhook_secret"])
def test_no_secret_of_live_is_one_of_test_current_or_previous(problems, live, test):
    (problem,) = problems(stripe_settings(**{live: "whsec_one", test: "whsec_one"}))
    assert f"{live!r}: the same as {test}" in problem.message


def test_the_current_secret_is_tried_before_the_previous_one():
    keys = keys_of(StripeSettings().load(stripe_settings(test_previous_webhook_secret="whsec_old")), "test")
    assert [secret.reveal() for secret in keys.webhook_secrets] == ["whsec_test_acme", "whsec_old"]


def test_keys_are_told_apart_by_environment():
    loaded = StripeSettings().load(stripe_settings())
    assert keys_of(loaded, "test").secret_key.reveal() == "sk_test_acme"
    assert keys_of(loaded, "live").secret_key.reveal() == "sk_live_acme"
    assert keys_of(loaded, "live").webhook_endpoint_id is None


def test_the_keys_do_not_show_themselves():
    loaded = StripeSettings().load(stripe_settings())
    shown = repr(loaded) + repr(keys_of(loaded, "test")) + str(StripeSettings().dump(loaded))
    for secret in ("sk_test_acme", "sk_live_acme", "whsec_"):
        assert secret not in shown


def test_the_simulators_address_is_an_url():
    assert StripeServerSettings().load({"api_base": "http://127.0.0.1:12111"})["api_base"]
    assert StripeServerSettings().load({})["api_base"] is None
    with pytest.raises(ValidationError):
        StripeServerSettings().load({"api_base": "127.0.0.1:12111"})
