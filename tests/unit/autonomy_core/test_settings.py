"""The server's settings, and the secret from which keys are derived."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from autonomy_core.settings import load_settings
from autonomy_core.settings_schema import SettingsError


def load(directory, **changes):
    keys = {"tenants": str(directory / "tenants"), "data": str(directory / "data"), **changes}
    return load_settings({f"autonomy.{name}": value for name, value in keys.items()}, {})


def test_every_problem_is_reported_at_once(tmp_path):
    with pytest.raises(SettingsError) as error:
        load_settings({"autonomy.pool_size": "none", "autonomy.tenant": "x", "embedded.fast": "?"}, {})
    keys = {"autonomy.pool_size", "autonomy.tenant", "autonomy.tenants", "autonomy.data", "embedded.fast"}
    assert {key for key, _ in error.value.problems} == keys


@pytest.mark.parametrize("text", ["1_0", "+1", "\u0669", "007", "1.0", " 9", "many"])
def test_a_number_is_written_in_digits_only(tmp_path, text):
    with pytest.raises(
        SettingsError, match=r"autonomy\.pool_size: Write a whole number in the digits 0 to 9"
    ):
        load(tmp_path, pool_size=text)


def test_the_answer_time_limit_exceeds_the_wait_for_inspection(tmp_path):
    assert load(tmp_path, answer_seconds="60").answer_seconds == 60
    with pytest.raises(SettingsError, match=r"autonomy\.answer_seconds: .*60"):
        load(tmp_path, answer_seconds="59")


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("tenants", "give it one"),
        ("pool_size", "give it one, or remove the key"),
        ("hosts", "give it one, or remove the key"),
    ],
)
def test_a_key_without_a_value_is_refused(tmp_path, key, remedy):
    with pytest.raises(SettingsError, match=rf"autonomy\.{key}: it has no value; {remedy}$"):
        load(tmp_path, **{key: ""})


def test_a_misspelt_key_is_reported_with_the_right_one(tmp_path):
    with pytest.raises(
        SettingsError,
        match=r"autonomy\.pool_sise: there is no such key; did you mean 'autonomy\.pool_size'\?",
    ):
        load(tmp_path, pool_sise="4")


def test_a_key_of_a_plugin_that_takes_none_is_refused(tmp_path):
    keys = {"autonomy.tenants": str(tmp_path), "autonomy.data": str(tmp_path), "media.directory": "x"}
    with pytest.raises(SettingsError, match=r"media\.directory: there is no such key; remove it"):
        load_settings(keys, {"media": None})


@pytest.mark.parametrize("key", ["autonmy.pool_size", "Autonomy.hosts", "medias.directory", "sqlalchemi.url"])
def test_a_key_whose_first_word_is_misspelt_is_not_overlooked(tmp_path, key):
    keys = {"autonomy.tenants": str(tmp_path), "autonomy.data": str(tmp_path)}
    with pytest.raises(SettingsError, match=rf"{key}: nothing reads this key; did you mean"):
        load_settings({**keys, key: "x"}, {"media": None})


def test_pyramids_own_keys_are_accepted(tmp_path):
    keys = {"autonomy.tenants": str(tmp_path), "autonomy.data": str(tmp_path)}
    assert load_settings(
        {**keys, "pyramid.debug_notfound": "true", "here": "x", "mail.host": "y"}, {"media": None}
    )


@pytest.mark.parametrize("between", [", ", " ", "\n", ",\n"])
def test_every_list_is_separated_by_commas_spaces_or_new_lines(tmp_path, monkeypatch, between):
    monkeypatch.setenv("BEFORE", "b" * 40)
    monkeypatch.setenv("EARLIER", "e" * 40)
    settings = load(
        tmp_path,
        hosts=between.join(["a.example", "b.example"]),
        trusted_proxies=between.join(["2001:db8::1", "::1"]),
        previous_secret=between.join(["env:BEFORE", "env:EARLIER"]),
    )
    assert settings.hosts == ("a.example", "b.example")
    assert settings.trusted_proxies == ("2001:db8::1", "::1")
    assert len(settings.previous_secrets) == 2


def test_a_secret_is_generated_once_readable_by_its_owner_only(tmp_path):
    first = load(tmp_path)
    assert len(first.secret.reveal()) >= 32
    assert load(tmp_path).secret == first.secret
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600


def test_processes_that_start_together_share_one_secret(tmp_path):
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: load(tmp_path).secret, range(64)))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_truncated_generated_secret_is_refused(tmp_path, content):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret").write_text(content)
    with pytest.raises(SettingsError, match="at least 32 characters"):
        load(tmp_path)


@pytest.mark.parametrize("content", ["", "short"])
def test_a_configured_secret_must_be_long_enough(tmp_path, monkeypatch, content):
    monkeypatch.setenv("OUR_SECRET", content)
    with pytest.raises(SettingsError, match="at least 32 characters"):
        load(tmp_path, secret="env:OUR_SECRET")


def test_a_secret_in_the_ini_file_itself_is_refused_and_not_shown(tmp_path):
    secret = "s3cr3t" * 10
    with pytest.raises(SettingsError, match="write a reference") as error:
        load(tmp_path, secret=secret)
    assert secret not in str(error.value)


@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_secret_in_place_of_a_name_is_not_shown(tmp_path, kind):
    with pytest.raises(SettingsError, match=rf"autonomy\.secret: what {kind}: names") as error:
        load(tmp_path, secret=f"{kind}:hidden{'7x' * 20}")
    assert "hidden" not in str(error.value)


def test_settings_do_not_show_the_databases_passwords(tmp_path):
    places = {"autonomy.tenants": str(tmp_path), "autonomy.data": str(tmp_path)}
    urls = dict.fromkeys(
        ("sqlalchemy.url", "autonomy.owner_url", "autonomy.backup_url"), "postgresql://role:hidden@host/db"
    )
    assert "hidden" not in repr(load_settings(places | urls, {}))


def test_a_data_directory_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "data").write_text("a file is in its place")
    with pytest.raises(SettingsError, match=r"autonomy\.data: .*/data/secret cannot be made: .*directory"):
        load(tmp_path)


def test_a_data_directory_that_takes_no_file_is_a_clear_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "data").mkdir()
    monkeypatch.setattr("pathlib.Path.touch", refuse)
    with pytest.raises(SettingsError, match="cannot be made: Permission denied"):
        load(tmp_path)


def test_hosts_are_normalised_and_checked(tmp_path):
    assert load(tmp_path, hosts="API.Example, localhost:6543").hosts == ("api.example", "localhost:6543")
    with pytest.raises(SettingsError, match=r"autonomy\.hosts: not a host name"):
        load(tmp_path, hosts="https://api.example/")


def test_any_number_of_previous_secrets_is_read_from_references(tmp_path, monkeypatch):
    monkeypatch.setenv("BEFORE", "b" * 40)
    (tmp_path / "older").write_text("o" * 40)
    settings = load(tmp_path, previous_secret=f"env:BEFORE, file:{tmp_path / 'older'}")
    assert [each.reveal() for each in settings.previous_secrets] == ["b" * 40, "o" * 40]
    assert settings.accepted_secrets == (settings.secret, *settings.previous_secrets)
    assert load(tmp_path).previous_secrets == ()


def test_the_path_of_a_previous_secret_may_contain_a_space(tmp_path, monkeypatch):
    monkeypatch.setenv("BEFORE", "b" * 40)
    (tmp_path / "my secrets").mkdir()
    (tmp_path / "my secrets" / "old").write_text("o" * 40)
    for references in ("env:BEFORE {}", "env:BEFORE, {}", "{}\nenv:BEFORE"):
        named = references.format(f"file:{tmp_path}/my secrets/old")
        found = {each.reveal() for each in load(tmp_path, previous_secret=named).previous_secrets}
        assert found == {"b" * 40, "o" * 40}


@pytest.mark.parametrize(
    "reference", ["env:NOT_SET", "written out, which is no reference", "file:/nowhere/at/all"]
)
def test_a_previous_secret_that_cannot_be_used_is_refused_by_its_key(tmp_path, reference):
    with pytest.raises(SettingsError, match=r"^autonomy\.previous_secret: ") as error:
        load(tmp_path, previous_secret=reference)
    assert "written out" not in str(error.value)


@pytest.mark.parametrize("key", ["sqlalchemy.url", "autonomy.owner_url", "autonomy.backup_url"])
@pytest.mark.parametrize("url", ["hidden", "mysql://hidden@host/db", "postgresql://u:hidden@host:port/db"])
def test_an_invalid_database_url_is_refused_and_not_shown(tmp_path, key, url):
    places = {"autonomy.tenants": str(tmp_path), "autonomy.data": str(tmp_path)}
    with pytest.raises(SettingsError, match=rf"{key}: Write a PostgreSQL URL") as refused:
        load_settings({**places, key: url}, {})
    assert "hidden" not in str(refused.value)


def test_mail_is_sent_from_an_account_with_sender_and_password(tmp_path, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "correct horse")
    keys = {"mail.url": "smtp://shop@mail.example:587", "mail.from": "shop@mail.example"}
    found = load(tmp_path, **keys, **{"mail.password": "env:MAIL_PASSWORD"})
    assert (found.mail_from, found.mail_password.reveal()) == ("shop@mail.example", "correct horse")
    assert "correct horse" not in repr(found)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"mail.url": "smtp://mail.example"}, r"autonomy\.mail\.from: it is missing"),
        (
            {"mail.url": "smtps://shop@mail.example", "mail.from": "shop@mail.example"},
            r"autonomy\.mail\.password: it is missing",
        ),
        ({"mail.password": "correct horse"}, r"autonomy\.mail\.password: write a reference"),
        ({"mail.url": "smtp://shop:hunter2@mail.example"}, "a password in the address"),
        ({"mail.url": "smtp://shop@mail.example?tls=none"}, "would be sent unencrypted"),
        ({"mail.url": "smtp://mail.example?tls=maybe"}, "only tls=none is possible"),
        ({"mail.url": "smtp:///path"}, "not the address of a mail server"),
        ({"mail.url": "smtp://mail.example:0"}, "not the address of a mail server"),
        ({"mail.url": "mail.example"}, "not the address of a mail account"),
        ({"mail.url": "directory:mail", "mail.timeout": "1"}, r"autonomy\.mail\.timeout"),
    ],
)
def test_a_mail_account_that_cannot_work_is_refused(tmp_path, keys, problem):
    with pytest.raises(SettingsError, match=problem) as error:
        load(tmp_path, **keys)
    assert "hunter2" not in str(error.value)
