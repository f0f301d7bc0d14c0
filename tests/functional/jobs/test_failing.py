"""Failing jobs are visible in the log and in the list until they succeed or are cancelled."""

from dataclasses import replace
from types import ModuleType

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from autonomy_core.audit.models import AuditEntry
from autonomy_core.errors import Conflict, NotFound
from autonomy_core.jobs.administration import cancel_job, retry_job, unfinished_jobs
from autonomy_core.jobs.models import JobFailure
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.retries import TryAgain
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.testing import stand_ins

pytestmark = pytest.mark.concurrent


class Mailing:
    """A plugin's job, and what it does."""

    def __init__(self):
        self.sent = []
        self.outcome = None

    def send(self, scope, *, to):
        if self.outcome is not None:
            raise self.outcome
        self.sent.append((scope.organisation.id, to))


@pytest.fixture
def mailing():
    return Mailing()


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({"mailing": ModuleType("mailing.plugin"), stand_ins.NAME: stand_ins})


ENABLED = (stand_ins.NAME, "mailing")


@pytest.fixture
def acme(committed, mailing):
    """An organisation with the plugin, as a server and a worker see it that have the plugin's job."""
    committed.organisation("acme", plugins=ENABLED)
    committed.runtime = replace(
        committed.runtime, jobs=(Job("mailing.send", mailing.send, max_attempts=3), Job("core.look", print))
    )
    return committed


@pytest.fixture(autouse=True)
def runtime_as_it_was(_application):
    before = _application.runtime
    yield
    _application.runtime = before


def send(acme, to="ada"):
    with acme.scope() as scope:
        return defer(scope, "mailing.send", to=to)


def listed(acme):
    with acme.scope() as scope:
        return unfinished_jobs(scope, 10)


def make_due(acme):
    with acme.scope() as scope:
        scope.session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now()"))


def lines(found, event):
    return [line for line in found if line["event"] == event]


def test_each_failed_attempt_is_logged_with_reason_and_next_time(acme, mailing, work):
    job_id = send(acme)
    mailing.outcome = LookupError("no such address")
    with capture_logs() as found:
        for _ in range(3):
            work(acme.runtime)
            make_due(acme)
    failed = lines(found, "job.failed")
    assert {(line["log_level"], line["job"], line["job_id"], line["organisation"]) for line in failed} == {
        ("error", "mailing.send", job_id, "acme")
    }
    assert [line["error"] for line in failed] == ["LookupError: no such address"] * 3
    assert [(line["attempt"], line["again_in_s"]) for line in failed] == [(1, 2), (2, 4), (3, None)]


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (LookupError("gone"), "LookupError: gone"),
        (TryAgain("closed"), "TryAgain: closed"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_the_list_has_the_error_and_the_attempts_of_a_job(acme, mailing, work, outcome, error):
    send(acme)
    mailing.outcome = outcome
    work(acme.runtime)
    (job,) = listed(acme)
    assert (job.job, job.status, job.attempts, job.error) == ("mailing.send", "todo", 1, error)
    assert job.not_before > job.failed_at
    assert job.arguments == {"to": "ada"}


def test_a_job_that_succeeds_in_the_end_leaves_no_failure(acme, mailing, work):
    send(acme)
    mailing.outcome = LookupError("gone")
    work(acme.runtime)
    mailing.outcome = None
    make_due(acme)
    work(acme.runtime)
    assert mailing.sent == [("acme", "ada")]
    assert listed(acme) == []
    with acme.scope() as scope:
        assert scope.session.scalars(select(JobFailure)).all() == []


def test_a_failure_is_visible_in_its_organisation_only(acme, mailing, work):
    acme.organisation("beacon", plugins=ENABLED)
    send(acme)
    mailing.outcome = LookupError("gone")
    work(acme.runtime)
    with acme.scope("beacon") as scope:
        assert unfinished_jobs(scope, 10) == []
        assert scope.session.scalars(select(JobFailure)).all() == []


def given_up(acme, mailing, work):
    job_id = send(acme)
    mailing.outcome = LookupError("gone")
    for _ in range(3):
        work(acme.runtime)
        make_due(acme)
    assert [(job.status, job.attempts) for job in listed(acme)] == [("failed", 3)]
    mailing.outcome = None
    return job_id


def test_a_job_that_was_given_up_can_be_run_again(acme, mailing, work):
    job_id = given_up(acme, mailing, work)
    with acme.scope() as scope:
        retry_job(scope, job_id, actor="test")
    work(acme.runtime)
    assert mailing.sent == [("acme", "ada")]
    assert listed(acme) == []


def test_a_job_that_waits_for_its_next_attempt_can_be_run_at_once(acme, mailing, work):
    job_id = send(acme)
    mailing.outcome = LookupError("gone")
    work(acme.runtime)
    mailing.outcome = None
    work(acme.runtime)
    assert mailing.sent == []
    with acme.scope() as scope:
        retry_job(scope, job_id, actor="test")
    work(acme.runtime)
    assert mailing.sent == [("acme", "ada")]


def test_a_cancelled_job_never_runs_and_is_audited(acme, mailing, work):
    job_id = given_up(acme, mailing, work)
    with acme.scope() as scope:
        cancel_job(scope, job_id, actor="cli:ada")
    work(acme.runtime)
    assert (listed(acme), mailing.sent) == ([], [])
    with acme.scope() as scope:
        (entry,) = scope.session.scalars(select(AuditEntry).where(AuditEntry.action == "job.cancelled"))
        assert scope.session.scalars(select(JobFailure)).all() == []
    assert (entry.actor, entry.target) == ("cli:ada", f"job:{job_id}")
    assert entry.detail["arguments"] == {"to": "ada"}
    assert entry.detail["error"] == "LookupError: gone"


@pytest.mark.parametrize("change", [retry_job, cancel_job])
def test_a_running_or_foreign_job_cannot_be_changed(acme, change):
    acme.organisation("beacon", plugins=ENABLED)
    job_id = send(acme)
    with acme.scope() as scope:
        scope.session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    with pytest.raises(Conflict, match="runs now"), acme.scope() as scope:
        change(scope, job_id, actor="test")
    with pytest.raises(NotFound, match="beacon has no unfinished job"), acme.scope("beacon") as scope:
        change(scope, job_id, actor="test")
    assert [job.status for job in listed(acme)] == ["doing"]


def without_the_plugin(acme):
    """A worker in whose environment the plugin is not installed."""
    return replace(acme.runtime, jobs=(Job("core.look", print),))


def test_a_job_of_a_disabled_plugin_waits_until_it_is_enabled(acme, mailing, work):
    send(acme)
    acme.organisation("acme", plugins=(stand_ins.NAME,))
    for _ in range(5):
        work(acme.runtime)
    (job,) = listed(acme)
    assert (job.status, job.attempts, job.error) == ("waits", 0, "plugin mailing is not enabled")
    assert mailing.sent == []
    acme.organisation("acme", plugins=ENABLED)
    work(acme.runtime)
    assert (mailing.sent, listed(acme)) == ([("acme", "ada")], [])


def test_a_job_of_a_missing_plugin_waits_until_it_is_installed(acme, mailing, work):
    send(acme)
    runtime = acme.runtime
    acme.runtime = without_the_plugin(acme)
    with capture_logs() as found:
        for _ in range(5):
            work(acme.runtime)
    (job,) = listed(acme)
    assert (job.status, job.attempts, job.error) == ("waits", 0, "no installed plugin has the job")
    assert [line["job"] for line in lines(found, "job.waits")] == ["mailing.send"]
    acme.runtime = runtime
    work(acme.runtime)
    assert (mailing.sent, listed(acme)) == ([("acme", "ada")], [])


def test_a_job_of_an_organisation_out_of_service_waits(acme, mailing, work):
    # One of many, because the loss of most organisations at once is refused.
    for number in range(4):
        acme.organisation(f"other-{number}")
    send(acme)
    file = acme.runtime.settings.tenants / "acme.ini"
    written = file.read_text()
    file.unlink()
    acme.runtime.tenants.reload()
    for _ in range(5):
        work(acme.runtime)
    file.write_text(written)
    acme.runtime.tenants.reload()
    assert [(job.status, job.attempts) for job in listed(acme)] == [("waits", 0)]
    work(acme.runtime)
    assert mailing.sent == [("acme", "ada")]


def test_a_periodic_job_of_a_missing_plugin_is_dropped(acme, work, queue, mailing):
    with acme.scope() as scope:
        queue(scope, "gone.look", lock="gone.look/acme", queueing_lock="gone.look/acme")
    send(acme)
    work(acme.runtime)
    assert (listed(acme), mailing.sent) == ([], [("acme", "ada")])
