"""A worker that is killed after a mail server has got a mail, and before the worker can note it."""

import pytest
from sqlalchemy import select, update

from autonomy_core.db.base import utcnow
from autonomy_core.jobs.services import defer
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.services import DELIVER, send
from demo.mail_server import ACCEPTED, MailServer
from tests.support.server_processes import processes, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.concurrent]

INI = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = {tenants}
autonomy.data = {data}
sqlalchemy.url = {database}
autonomy.mail.url = {mail}
autonomy.mail.from = shop@example.org
"""


@pytest.fixture
def mail_server():
    with MailServer() as server:
        yield server


@pytest.fixture
def workers(committed, mail_server, tmp_path):
    """Start and kill workers of an organisation's server."""
    committed.organisation("acme", plugins=())
    settings = committed.runtime.settings
    ini = tmp_path / "server.ini"
    database = committed.database.url.replace("%", "%%")
    ini.write_text(
        INI.format(tenants=settings.tenants, data=tmp_path / "data", database=database, mail=mail_server.url)
    )
    with processes(ini) as running:
        yield running


def status(committed):
    with committed.scope() as scope:
        return scope.session.execute(select(MailMessage.status, MailMessage.attempts)).one()


def test_a_mail_of_a_killed_worker_comes_twice_as_one_message(committed, mail_server, workers):
    async def kill_worker(_smtp, _received):
        mail_server.answer_mail = None
        workers.kill()
        return ACCEPTED

    mail_server.answer_mail = kill_worker
    with committed.scope() as scope:
        send(scope, "mail.test", "ada@example.org", {})
    workers.start("first", "worker")
    mail_server.wait_for(1)
    assert status(committed) == ("sending", 1)

    with committed.scope() as scope:
        scope.session.execute(update(MailMessage).values(due_at=utcnow()))  # the end of the claim
        defer(scope, DELIVER)
    workers.start("second", "worker")
    wait_for(lambda: status(committed) == ("sent", 2), "the second attempt")
    first, second = mail_server.received
    assert first.message["Message-ID"] == second.message["Message-ID"]
    workers.stop("second")
