"""The SMTP mailers, with a real mail server."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from email.message import EmailMessage
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from autonomy_core.kernel.mail import Letter, MailAccount, MailerUnavailable, MailRefused
from autonomy_core.mail.backends import MAILERS
from autonomy_core.tenancy.secrets import Secret
from demo.mail_server import MailServer

TO = "ada@example.org"
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost, in a file, and the context of a server that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The context of a server whose certificate is one that this machine trusts."""
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return context


def letter(to=TO, *, text="Thank you.", **options):
    message = EmailMessage()
    message["Message-ID"] = f"<{uuid4()}@acme.example>"
    message["Subject"] = "Receipt"
    message.set_content(text)
    return Letter(uuid4(), "shop@acme.example", to, message, **options)


def connect(url, tmp_path, *, password=None, timeout_s=5):
    account = MailAccount(url, password and Secret(password), timeout_s=timeout_s, data=tmp_path)
    return next(mailer for mailer in MAILERS if mailer.name == account.mailer).connect(account)


def test_several_mails_go_over_one_connection(tmp_path):
    with MailServer() as server, connect(server.url, tmp_path) as connection:
        answers = [connection.deliver(letter(f"{name}@example.org")) for name in ("ada", "bob")]
    assert answers == ["250 2.0.0 Accepted"] * 2
    assert [(mail.connection, mail.recipient) for mail in server.received] == [
        (1, "ada@example.org"),
        (1, "bob@example.org"),
    ]


@pytest.mark.parametrize("implicit_tls", [False, True], ids=["starttls", "tls"])
def test_a_connection_is_encrypted_and_authenticated(tmp_path, trusted, implicit_tls):
    server = MailServer(certificate=trusted, implicit_tls=implicit_tls, users={"shop": PASSWORD})
    with server, connect(server.url, tmp_path, password=PASSWORD) as connection:
        connection.deliver(letter())
    assert [(mail.encrypted, mail.user) for mail in server.received] == [(True, "shop")]


@pytest.mark.parametrize("implicit_tls", [False, True], ids=["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_is_refused(tmp_path, certificate, implicit_tls):
    with (
        MailServer(certificate=certificate[1], implicit_tls=implicit_tls, users={"shop": PASSWORD}) as server,
        pytest.raises(MailerUnavailable, match="certificate verify failed"),
        connect(server.url, tmp_path, password=PASSWORD),
    ):
        pass
    assert server.received == []


def test_a_server_without_starttls_gets_neither_password_nor_mail(tmp_path):
    with (
        MailServer(users={"shop": PASSWORD}) as server,
        pytest.raises(MailerUnavailable, match="STARTTLS"),
        connect(f"smtp://shop@localhost:{server.port}", tmp_path, password=PASSWORD),
    ):
        pass
    assert server.received == []


def test_a_wrong_password_makes_an_account_unavailable_unshown(tmp_path, trusted):
    with (
        MailServer(certificate=trusted, users={"shop": PASSWORD}) as server,
        pytest.raises(MailerUnavailable, match="535") as caught,
        connect(server.url, tmp_path, password="not the password"),
    ):
        pass
    assert "not the password" not in str(caught.value)


def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with (
            pytest.raises(MailerUnavailable, match=f"smtp://localhost:{port}: .*refused"),
            connect(f"smtp://localhost:{port}?tls=none", tmp_path),
        ):
            pass


def test_a_rejected_recipient_leaves_the_connection_usable(tmp_path):
    answers = {TO: "550 5.1.1 no such user"}
    server = MailServer(answer_recipient=lambda address: answers.get(address, "250 ok"))
    with server, connect(server.url, tmp_path) as connection:
        with pytest.raises(MailRefused) as caught:
            connection.deliver(letter())
        connection.deliver(letter("bob@example.org"))
    refused = caught.value
    assert (refused.permanent, refused.bad_address) == (True, True)
    assert refused.answer == "550 5.1.1 no such user"
    assert [mail.connection for mail in server.received] == [1]


async def later(_smtp, _received):
    return "451 4.3.0 try again later"


async def spam(_smtp, _received):
    return "554 5.7.1 looks like spam"


@pytest.mark.parametrize(("answer", "permanent"), [(later, False), (spam, True)])
def test_a_rejected_message_leaves_the_connection_usable(tmp_path, answer, permanent):
    with MailServer(answer_mail=answer) as server, connect(server.url, tmp_path) as connection:
        with pytest.raises(MailRefused) as caught:
            connection.deliver(letter())
        server.answer_mail = None
        connection.deliver(letter())
    assert (caught.value.permanent, caught.value.bad_address) == (permanent, False)


def test_a_rejected_sender_is_a_fault_of_the_account(tmp_path):
    server = MailServer(answer_sender=lambda _: "550 5.7.1 not your address")
    with (
        server,
        connect(server.url, tmp_path) as connection,
        pytest.raises(MailerUnavailable, match="not your address"),
    ):
        connection.deliver(letter())


async def hang_up(smtp, _received):
    smtp.transport.abort()
    return ""


async def say_nothing(_smtp, _received):
    await asyncio.Event().wait()


async def dribble(smtp, _received):
    while True:
        smtp.transport.write(b"2")
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("answer", [hang_up, say_nothing, dribble])
def test_a_server_that_does_not_answer_a_mail_is_unavailable(tmp_path, answer):
    with (
        MailServer(answer_mail=answer) as server,
        connect(server.url, tmp_path, timeout_s=1) as connection,
        pytest.raises(MailerUnavailable),
    ):
        connection.deliver(letter())


def test_a_connection_that_the_server_has_closed_is_noticed(tmp_path):
    with MailServer() as server, connect(server.url, tmp_path) as connection:
        connection.deliver(letter())
        server.answer_mail = hang_up
        for _ in range(2):
            with pytest.raises(MailerUnavailable):
                connection.deliver(letter())


def test_any_text_arrives_as_it_was_sent_and_is_sent_in_ascii(tmp_path):
    text = "Größe: 12 €\n.\n..leading dots\n" + "long " * 500 + "\n"
    sent = letter(text=text)
    assert sent.as_bytes().isascii()
    with MailServer() as server, connect(server.url, tmp_path) as connection:
        connection.deliver(sent)
    assert server.received[0].message.get_content().splitlines() == text.splitlines()


def test_an_address_in_utf8_needs_a_server_that_supports_it(tmp_path):
    with MailServer() as server, connect(server.url, tmp_path) as connection:
        connection.deliver(letter("zoë@example.org", needs_smtputf8=True))
        connection.deliver(letter())
    assert [mail.recipient for mail in server.received] == ["zoë@example.org", TO]
    with MailServer(supports_utf8=False) as server, connect(server.url, tmp_path) as connection:
        with pytest.raises(MailRefused, match="UTF-8"):
            connection.deliver(letter("zoë@example.org", needs_smtputf8=True))
        connection.deliver(letter())


@pytest.mark.parametrize("to", ["ada@example.org>\r\nRCPT TO:<eve@example.org", "zoë@example.org"])
def test_an_address_that_cannot_be_a_command_is_refused(tmp_path, to):
    with MailServer() as server, connect(server.url, tmp_path) as connection:
        with pytest.raises(MailRefused) as caught:
            connection.deliver(letter(to))
        connection.deliver(letter())
    assert caught.value.permanent
    assert [mail.recipient for mail in server.received] == [TO]
