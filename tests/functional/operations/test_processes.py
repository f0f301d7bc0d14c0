"""Server and worker as real processes, with their own embedded database.

The tests of a start, of counting and of Pyramid's commands start the installed programs. The others start
`forks`.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.tenancy.record import RECORD, TenantRecord
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret
from tests.support.forks import AUTONOMY, Fork, command
from tests.support.refused_port import REFUSING
from tests.support.stopped_postgresql import stopped

pytestmark = pytest.mark.processes

PROGRAMS = Path(sys.executable).parent
TIMEOUT_S = 120


class Installation:
    """A directory with an ini file, organisations, and the embedded database."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "tenants").mkdir()
        self.write_organisation("acme")
        self.write("[app:main]", "use = egg:autonomy-server", "autonomy.tenants = %(here)s/tenants")
        self.write("autonomy.data = %(here)s/data", "autonomy.log_format = json", "embedded.fast = true")
        self.write("[server:main]", "use = egg:waitress#main", "listen = 127.0.0.1:%(http_port)s")
        self.write("[pshell]", "setup = autonomy_core.cli.shell.setup")

    def write(self, *lines):
        with (self.directory / "development.ini").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def write_organisation(self, name):
        text = f"[organisation]\nname = {name}\nhosts = {name}.example\ncurrency = eur\nplugins =\n"
        (self.directory / "tenants" / f"{name}.ini").write_text(text)

    def run(self, program, *arguments, **options):
        """Run an installed program to its end."""
        return self._run([PROGRAMS / program], arguments, options)

    def autonomy(self, *arguments, **options):
        """Run ``autonomy ARGUMENTS`` to its end, in a fork."""
        return self._run(command(), arguments, options)

    def _run(self, program, arguments, options):
        return subprocess.run(
            [*program, *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            **options,
        )

    @contextmanager
    def started(self, *arguments, program=None):
        """``autonomy ARGUMENTS`` in a fork, or an installed program, with the log of what it writes.

        It is in a group of its own. All of the group is gone afterwards.
        """
        log = self.directory / f"{program or 'fork'}-{arguments[0]}.log"
        with log.open("wb") as output:
            if program is None:
                process = Fork(AUTONOMY, arguments, output, directory=self.directory)
            else:
                process = subprocess.Popen(
                    [PROGRAMS / program, *arguments],
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        try:
            yield process, log
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    made = Installation(tmp_path_factory.mktemp("installation"))
    migrated = made.autonomy("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert made.autonomy("db", "start").returncode == 0
    yield made
    EmbeddedServer(data_dir=made.directory / "data" / "postgresql").remove()


def wait_for(found, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return result


def ask(url):
    """The status and the JSON of an answer; None if the connection is refused."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(installation, *options, program=None):
    with installation.started("serve", "--port", "0", *options, program=program) as (process, log):
        url = wait_for(lambda: re.search(r"http://\S+", log.read_text()), "the URL").group()
        wait_for(lambda: ask(f"{url}/health/live"), "an answer")
        yield process, url, log


def test_the_server_prints_its_url_serves_and_stops(installation):
    with serving(installation, program="autonomy") as (process, url, log):
        assert ask(f"{url}/acme/api/v1/products") == (200, {"items": [], "next": None})
        status, ready = ask(f"{url}/health/ready")
        assert (status, ready["checks"]["migrations"]) == (200, {"status": "ok"})
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert ask(f"{url}/health/live") is None
        first, *lines = log.read_text().splitlines()
    assert first == f"Autonomy Server on {url}"
    events = [json.loads(line) for line in lines]
    (request,) = [event for event in events if event.get("path") == "/acme/api/v1/products"]
    assert (request["organisation"], request["status"]) == ("acme", 200)


def test_sigint_ends_all_processes_gracefully(installation):
    with serving(installation, "--workers", "2") as (process, url, log):
        # granian loses a signal to a worker that is still loading the application.
        wait_for(lambda: log.read_text().count('"tenants_loaded"') == 2, "both applications")
        wait_for(lambda: log.read_text().count("Started worker-") == 2, "both workers")
        assert all(ask(f"{url}/health/live") for _ in range(20))
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
        told = log.read_text()
    assert told.count("Stopped worker-") == 2
    assert "refused to gracefully stop" not in told


def test_a_taken_port_is_refused_in_one_line(installation):
    with serving(installation) as (_, url, _):
        port = url.rpartition(":")[2]
        refused = installation.autonomy("serve", "--port", port)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: Cannot listen at 127.0.0.1, port {port}: Address already in use. Choose another with "
        "--port.\n"
    )


@pytest.mark.parametrize("arguments", [("serve", "--port", "0"), ("worker",)])
def test_a_missing_directory_of_organisations_is_refused_at_start(installation, arguments):
    misspelt = (installation.directory / "development.ini").read_text().replace("/tenants", "/tennants")
    (installation.directory / "misspelt.ini").write_text(misspelt)
    refused = installation.autonomy("--config", "misspelt.ini", *arguments)
    assert refused.returncode == 2
    missing = installation.directory / "tennants"
    assert f"Error: misspelt.ini:3: autonomy.tenants: there is no directory {missing}." in refused.stderr
    assert "make it, or name another one" in refused.stderr


def test_a_killed_server_can_be_restarted_on_its_port(installation):
    with serving(installation) as (process, url, _):
        process.kill()
        process.wait()
        wait_for(lambda: ask(f"{url}/health/live") is None, "the worker process to follow")
    with installation.started("serve", "--port", url.rpartition(":")[2]):
        wait_for(lambda: ask(f"{url}/health/live"), "an answer")
        assert ask(f"{url}/acme/api/v1/products")[0] == 200


def test_a_killed_server_worker_is_replaced_and_metrics_continue(installation):
    with serving(installation, "--workers", "2", program="autonomy") as (_, url, log):
        wait_for(lambda: log.read_text().count("Started worker-") == 2, "both")
        child = re.search(r"Spawning worker-1 with PID: (\d+)", log.read_text()).group(1)
        os.kill(int(child), signal.SIGKILL)
        wait_for(lambda: log.read_text().count("Started worker-") == 3, "the replacement")
        for _ in range(20):
            wait_for(lambda: ask(f"{url}/acme/api/v1/products"), "an answer")
        with urllib.request.urlopen(f"{url}/metrics") as answer:
            metrics = answer.read().decode()
    for labels in ('organisation="acme",status_class="2xx"', 'method="GET",resource="Products",status="200"'):
        assert float(re.search(rf"{labels}}} (\S+)", metrics).group(1)) >= 20


@pytest.mark.parametrize("program", ["autonomy", "pserve"])
def test_sighup_reloads_the_organisations_and_the_server_goes_on(installation, program):
    port = free_port()
    arguments = {
        "autonomy": ("serve", "--port", str(port)),
        "pserve": ("development.ini", f"http_port={port}"),
    }
    name = f"new-{program}"
    with installation.started(*arguments[program], program=program) as (process, log):
        wait_for(lambda: ask(f"http://127.0.0.1:{port}/health/live"), "an answer")
        installation.write_organisation(name)
        process.send_signal(signal.SIGHUP)
        wait_for(
            lambda: ask(f"http://127.0.0.1:{port}/{name}/api/v1/products")[0] == 200, "the new organisation"
        )
        assert process.poll() is None
        assert "respawning" not in log.read_text()


def test_the_worker_is_visible_in_readiness_and_stops(installation):
    working = installation.started("worker", "--concurrency", "2", program="autonomy")
    with serving(installation) as (_, url, _), working as (worker, _):
        seen = {"status": "ok"}
        wait_for(
            lambda: ask(f"{url}/health/ready")[1]["checks"]["worker"] == seen, "the worker's sign of life"
        )
        worker.send_signal(signal.SIGHUP)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(TIMEOUT_S) == 0


@pytest.fixture
def statement(installation):
    """Run a statement as the embedded server's superuser; return its row."""
    url = installation.autonomy("db", "url").stdout.strip().replace("autonomy_app@", "postgres@")

    def run(text):
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(text)
            return found.fetchone() if found.description else None

    return run


@pytest.fixture
def apart(tmp_path):
    """An installation with a running empty server that the settings treat as an external one."""
    made = Installation(tmp_path)
    server = EmbeddedServer(data_dir=tmp_path / "data" / "postgresql", fast=True)
    server.ensure_running()
    urls = {"sqlalchemy.url": server.url("late", "autonomy_app"), "autonomy.owner_url": server.url("late")}
    ini = (tmp_path / "development.ini").read_text()
    lines = [f"{key} = {url.replace('%', '%%')}" for key, url in urls.items()]
    (tmp_path / "development.ini").write_text(ini.replace("[server", "\n".join([*lines, "[server"])))
    yield made, server
    server.remove()


def told(log, event):
    """The reasons that the worker has given, one for each line of an event."""
    lines = [line for line in log.read_text().splitlines() if f'"{event}"' in line]
    return [json.loads(line).get("reason") for line in lines]


def test_a_worker_waits_for_the_database_and_its_migration(apart):
    installation, server = apart
    server.stop()
    with installation.started("worker") as (worker, log):
        wait_for(lambda: told(log, "worker.waiting"), "the worker to say that it waits")
        server.ensure_running()
        wait_for(lambda: "run: autonomy migrate" in told(log, "worker.waiting")[-1], "another reason")
        server.create_database("late")
        assert installation.autonomy("migrate").returncode == 0
        wait_for(lambda: told(log, "worker.started"), "the worker to start")
        reasons = told(log, "worker.waiting")
        assert len(reasons) == len(set(reasons)), "told once each"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(TIMEOUT_S) == 0


def test_a_worker_waiting_for_a_hanging_database_stops(apart):
    installation, server = apart
    with stopped(server), installation.started("worker") as (worker, log):
        (reason,) = wait_for(lambda: told(log, "worker.waiting"), "the worker to say that it waits")
        assert "2 seconds" in reason or "timeout" in reason
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(TIMEOUT_S) == 0


def test_the_worker_survives_a_restart_of_the_database(installation, statement):
    with installation.started("worker") as (worker, log):
        wait_for(lambda: "worker.started" in log.read_text(), "the worker")
        for verb in ("stop", "start"):
            assert installation.autonomy("db", verb).returncode == 0
        wait_for(lambda: "worker.restarted" in log.read_text(), "the worker's second start")
        statement(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            """ VALUES ('default', 'jobs.rescue_stalled', '{"timestamp": 0}')"""
        )
        wait_for(lambda: statement("SELECT count(*) FROM procrastinate_jobs") == (0,), "the job's end")
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(TIMEOUT_S) == 0
        assert "worker.failed" in log.read_text()


def test_the_worker_stops_during_a_database_outage(installation):
    with installation.started("worker") as (worker, log):
        wait_for(lambda: "worker.started" in log.read_text(), "the worker")
        assert installation.autonomy("db", "stop").returncode == 0
        try:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(TIMEOUT_S) == 0
        finally:
            assert installation.autonomy("db", "start").returncode == 0


def test_a_server_with_a_hanging_database_is_not_ready_at_once(installation):
    database = EmbeddedServer(data_dir=installation.directory / "data" / "postgresql")
    with serving(installation) as (_, url, _):
        assert ask(f"{url}/health/ready")[0] == 200
        products = f"{url}/acme/api/v1/products"
        with ThreadPoolExecutor(30) as requests, stopped(database):
            waiting = [requests.submit(ask, products) for _ in range(25)]
            # Each is answered before `ask` gives up; a probe while another one is under way as well.
            for status, ready in requests.map(ask, [f"{url}/health/ready"] * 4):
                assert (status, ready["status"]) == (503, "failed")
                assert "not answered within 2 seconds" in ready["checks"]["database"]["detail"][0]
            assert not any(request.done() for request in waiting)
            with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
                assert b"autonomy_http_requests_total" in answer.read()
        wait_for(lambda: ask(f"{url}/health/ready")[0] == 200, "the database")
        assert ask(products)[0] == 200


def test_pyramids_own_commands_work(installation):
    views = installation.run("pviews", "development.ini", "/acme/api/v1/products", "http_port=0")
    assert "autonomy_core.catalog.views.list_products" in views.stdout
    typed = "print(scope('acme').organisation.name, models.Product.__tablename__)\n"
    shell = installation.run("pshell", "development.ini", "http_port=0", input=typed)
    assert "acme products" in shell.stdout
    for result in (views, shell):
        assert result.returncode == 0
        assert "Traceback" not in result.stderr


def test_proutes_needs_no_database(installation, tmp_path):
    ini = tmp_path / "apart.ini"
    text = (installation.directory / "development.ini").read_text()
    ini.write_text(
        text.replace("[server", f"sqlalchemy.url = postgresql://nobody@{REFUSING}/nowhere\n[server")
    )
    (tmp_path / "tenants").mkdir()
    routes = installation.run("proutes", str(ini), "http_port=0")
    assert routes.returncode == 0
    assert "Traceback" not in routes.stderr


class Shops:
    """Hundreds of organisations beside the others, each with a host of its own."""

    def __init__(self, directory, count):
        self.directory = directory
        self.names = [f"shop-{number:03}" for number in range(count)]

    def write(self, name, host):
        draft = self.directory / f"{name}.draft"
        draft.write_text(f"[organisation]\nname = {name}\nhosts = {host}\ncurrency = eur\nplugins =\n")
        draft.replace(self.path(name))

    def path(self, name):
        return self.directory / f"{name}.ini"


@pytest.fixture
def shops(installation):
    made = Shops(installation.directory / "tenants", 300)
    for name in made.names:
        made.write(name, f"{name}.example")
    yield made
    for path in made.directory.glob("shop-*"):
        path.unlink()


def ask_host(url, host):
    """The status of an answer to this host."""
    request = urllib.request.Request(f"{url}/api/v1/products", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def loaded(log):
    """The numbers of organisations that the process logs at its start."""
    lines = [line for line in log.read_text().splitlines() if '"tenants_loaded"' in line]
    (event,) = map(json.loads, lines)
    return event["organisations"], event["known_from_index"]


def indexed(index):
    """The ids that the index has: of files that changed within the last seconds it has none yet."""
    _, *rows = index.read_text().splitlines() if index.exists() else ("",)
    return {json.loads(row)[0] for row in rows}


def test_every_host_is_served_from_the_first_request_after_a_start(installation, shops):
    index = installation.directory / "data" / "tenants-index.json"
    index.unlink(missing_ok=True)
    all_ids = {path.stem for path in shops.directory.glob("*.ini")}
    all_of_them = len(all_ids)
    with serving(installation) as (_, url, log):
        assert [ask_host(url, f"{name}.example") for name in shops.names] == [200] * 300
        assert loaded(log) == (all_of_them, 0)
        wait_for(lambda: index.exists() and all_ids <= indexed(index), "the whole index")
    shops.path("shop-000").unlink()
    shops.write("shop-001", "renamed.example")
    shops.write("shop-300", "new.example")
    shops.write("shop-301", "shop-299.example")  # another's host
    shops.path("shop-302").write_text("nonsense")
    with serving(installation) as (_, url, log):
        hosts = ["shop-002", "shop-299", "renamed", "new", "shop-000", "shop-001", "nobody"]
        statuses = [ask_host(url, f"{host}.example") for host in hosts]
        assert statuses == [200, 200, 200, 200, 404, 404, 404]
        # In service: two new, one removed; shop-301 lacks only its host. Known: all but edited and removed.
        assert loaded(log) == (all_of_them + 1, all_of_them - 2)
        problems = "\n".join(ask(f"{url}/health/ready")[1]["checks"]["tenants"]["detail"])
        assert "shop-301.ini:3: duplicate_host: the host 'shop-299.example' is shop-299's" in problems
        assert "shop-302.ini:1: syntax" in problems
        shops.write("shop-002", "other.example")
        shops.path("shop-003").unlink()
        wait_for(lambda: ask_host(url, "other.example") == 200, "an edit")
        wait_for(lambda: ask_host(url, "shop-003.example") == 404, "a removal")


def tenants_check(installation):
    told = installation.autonomy("tenants", "check", "--json")
    return {problem["code"] for problem in json.loads(told.stdout)["problems"]}


def test_changes_to_tenant_files_between_runs_stop_no_organisation(installation):
    directory, away = installation.directory / "tenants", installation.directory / "away"
    acme = directory / "acme.ini"
    with serving(installation, "--workers", "2"):
        recorded = TenantRecord(installation.directory / "data" / RECORD, Sealing([Secret("any")]))
        wait_for(lambda: "acme" in recorded.ids_except(()), "what is on record")
    text = acme.read_text()
    try:
        for state, code in (("broken", "unknown_key"), ("gone", "organisations_missing")):
            if state == "broken":
                acme.write_text(text.replace("currency", "curency"))
            else:
                # All of them: one of several may leave, and which tests have made others is their business.
                directory.rename(away)
                directory.mkdir()
            with serving(installation, "--workers", "2") as (_, url, _):
                for _ in range(10):
                    assert ask(f"{url}/acme/api/v1/products")[0] == 200
                status, ready = ask(f"{url}/health/ready")
                assert (status, ready["checks"]["tenants"]["status"]) == (200, "degraded")
                assert any(code in line for line in ready["checks"]["tenants"]["detail"])
                assert code in tenants_check(installation)
                if state == "gone":
                    accepted = installation.autonomy("tenants", "accept", "--yes")
                    assert accepted.returncode == 0, accepted.stderr
                    wait_for(lambda: ask(f"{url}/acme/api/v1/products")[0] == 404, "the end of its service")
                    assert tenants_check(installation) == set()
    finally:
        if away.exists():
            directory.rmdir()
            away.rename(directory)
        acme.write_text(text)
