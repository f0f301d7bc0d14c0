import pytest


def test_migrate_tells_each_step_and_is_done_the_second_time(unmigrated):
    first = unmigrated.run("migrate")
    assert first.exit_code == 0
    assert "autonomy_core: Core tables" in first.stderr
    assert "role autonomy_app: ready" in first.stderr
    assert first.stdout == "The database is up to date.\n"
    second = unmigrated.run("migrate")
    assert second.exit_code == 0
    assert "Core tables" not in second.stderr


def test_check_says_what_is_pending_with_status_1(unmigrated):
    before = unmigrated.run("migrate", "--check")
    assert before.exit_code == 1
    assert "autonomy_core: the database is at base" in before.stdout
    unmigrated.run("migrate")
    after = unmigrated.run("migrate", "--check")
    assert (after.exit_code, after.stdout) == (0, "The database is up to date.\n")


def test_an_external_database_needs_the_owners_url(unmigrated):
    unmigrated.write(**{"sqlalchemy.url": "postgresql://autonomy_app@127.0.0.1:1/autonomy"})
    result = unmigrated.run("migrate")
    assert result.exit_code == 2
    assert "autonomy.owner_url is missing" in result.stderr


def test_the_application_may_not_be_the_owner(unmigrated, postgresql):
    database = next(
        line for line in unmigrated.ini.read_text().splitlines() if line.startswith("autonomy.owner_url")
    )
    owner = database.partition(" = ")[2].replace("%%", "%")
    unmigrated.write(**{"sqlalchemy.url": owner, "autonomy.owner_url": owner})
    result = unmigrated.run("migrate")
    assert result.exit_code == 1
    assert "owns the tables; the application needs another one" in result.stderr


@pytest.mark.processes
def test_the_embedded_database_is_made_started_and_stopped_again(unmigrated):
    unmigrated.write()
    before = unmigrated.run("keys", "list", "acme")
    assert "run: autonomy migrate" in before.stderr
    assert unmigrated.run("db", "start").exit_code == 0
    try:
        assert unmigrated.run("migrate").exit_code == 0
        assert unmigrated.run("keys", "list", "acme").stdout == "no keys\n"
        assert "running   yes" in unmigrated.run("db", "status").stdout
        assert unmigrated.run("db", "url").stdout.startswith("postgresql://autonomy_app@/autonomy?host=")
    finally:
        assert unmigrated.run("db", "stop").exit_code == 0
    stopped = unmigrated.run("db", "status")
    assert stopped.exit_code == 1
    assert "running   no" in stopped.stdout


def test_an_external_database_is_not_started_or_stopped(unmigrated):
    for verb in ("start", "stop"):
        result = unmigrated.run("db", verb)
        assert result.exit_code == 1
        assert "not the embedded one" in result.stderr


def test_the_url_for_psql_has_no_password(unmigrated):
    unmigrated.write(**{"sqlalchemy.url": "postgresql+psycopg://autonomy_app:s3cret@db.example/autonomy"})
    for arguments in (("db", "url"), ("db", "status")):
        shown = unmigrated.run(*arguments).stdout
        assert "postgresql://autonomy_app@db.example/autonomy" in shown
        assert "s3cret" not in shown
