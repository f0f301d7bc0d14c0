"""The mail of the demonstration: kept over runs, found by its link, and printed without its token."""

from __future__ import annotations

import io
import smtplib
import threading
from email.message import EmailMessage

import pytest
from rich.console import Console

from demo.client import Narrator
from demo.mail_server import MailServer
from demo.mailbox import Mailbox
from demo.places import Places
from demo.processes import DemoError, Processes

pytestmark = pytest.mark.processes

ADA, EVE = "ada@example.org", "eve@example.org"


def send(server, to, text):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <shop@mail.example>", to, "Your receipt"
    message.set_content(text)
    with smtplib.SMTP("localhost", server.port) as connection:
        connection.send_message(message)


def link(purpose, token):
    return f"Listen: http://localhost/link#purpose={purpose}&token={token}"


@pytest.fixture
def processes(tmp_path):
    """The demonstration with nothing but its mail server."""
    made = Processes(Places(1, 2, 0, tmp_path))
    with made.mail:
        yield made


@pytest.fixture
def shown():
    return io.StringIO()


def mailbox_of(address, processes, shown, **options):
    return Mailbox(address, processes, Narrator(Console(file=shown, width=200)), **options)


def test_a_link_is_found_by_address_and_purpose(processes, shown):
    send(processes.mail, ADA, "Welcome!")
    send(processes.mail, EVE, link("reset", "of-eve"))
    send(processes.mail, ADA, link("library", "a"))
    send(processes.mail, ADA, link("reset", "b-_c"))
    found = mailbox_of(ADA, processes, shown).wait_for_link("reset")
    assert Mailbox.token_of(found) == "b-_c"


def test_a_mail_that_is_on_its_way_is_awaited(processes, shown):
    later = threading.Timer(0.2, send, (processes.mail, ADA, link("reset", "late")))
    later.start()
    assert Mailbox.token_of(mailbox_of(ADA, processes, shown).wait_for_link("reset")) == "late"
    later.join()


def test_a_printed_mail_has_no_token(processes, shown):
    send(processes.mail, ADA, link("reset", "secret"))
    mailbox_of(ADA, processes, shown).wait_for_link("reset")
    assert "MAIL  Shop <shop@mail.example> to ada@example.org" in shown.getvalue()
    assert "#purpose=reset&token=…" in shown.getvalue()
    assert "secret" not in shown.getvalue()


def test_a_mail_that_never_arrives_fails_the_demonstration(processes, shown):
    with pytest.raises(DemoError, match="No mail with the link 'reset'"):
        mailbox_of(ADA, processes, shown, arrives_within_s=0).wait_for_link("reset")


def test_links_lead_to_the_port_of_the_demonstration(tmp_path):
    places = Places(8080, 1, 2, tmp_path)
    places.write_ini()
    assert "autonomy.local_port = 8080" in places.ini.read_text()


def test_a_later_run_overwrites_no_mail(tmp_path):
    for text in ("first", "second"):
        with MailServer(directory=tmp_path / "mail") as server:
            send(server, ADA, text)
    kept = [(path.name, path.read_text().split()[-1]) for path in sorted((tmp_path / "mail").iterdir())]
    assert kept == [("0001.eml", "first"), ("0002.eml", "second")]
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700
