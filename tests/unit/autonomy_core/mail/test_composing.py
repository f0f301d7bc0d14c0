"""The MIME message: what headers and bodies say, and that no value adds a header."""

import email
from datetime import UTC, datetime
from email.policy import default

import pytest

from autonomy_core.mail.composing import BadAddress, address_of, message_of
from autonomy_core.mail.rendering import Rendered

AT = datetime(2026, 11, 30, 13, 5, tzinfo=UTC)


def composed(rendered=None, **given):
    given = {
        "message_id": "<019a0000-0000-7000-8000-000000000001@shop.example>",
        "at": AT,
        "sender": address_of("shop@shop.example", "The Shop"),
        "recipient": address_of("reader@example.org"),
    } | given
    return message_of(rendered or Rendered("Hello", "Text", "<p>Text</p>"), **given)


def read(message):
    """Return the message as a mail program reads it from the wire, and the wire."""
    wire = bytes(message)
    return email.message_from_bytes(wire, policy=default), wire


def content_of(part):
    return part.get_content().replace("\r\n", "\n")


def test_a_mail_has_the_headers_that_mailboxes_want():
    read_back, wire = read(composed(reply_to=address_of("help@shop.example")))
    assert dict(read_back.items()) | {"Content-Type": ""} == {
        "Message-ID": "<019a0000-0000-7000-8000-000000000001@shop.example>",
        "Date": "Mon, 30 Nov 2026 13:05:00 +0000",
        "From": "The Shop <shop@shop.example>",
        "To": "reader@example.org",
        "Reply-To": "help@shop.example",
        "Subject": "Hello",
        "Content-Language": "en",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert b"\r\n" in wire
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_a_mail_has_a_text_and_then_the_same_as_html():
    read_back, _ = read(composed(Rendered("s", "Grüße\n", "<p>Grüße</p>\n", "de")))
    assert read_back.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_type(), content_of(part)) for part in read_back.iter_parts()]
    assert parts == [("text/plain", "Grüße\n"), ("text/html", "<p>Grüße</p>\n")]
    assert read_back["Content-Language"] == "de"


def test_on_the_wire_a_mail_is_ascii_with_short_lines():
    text = "Grüße 日本 " + "x" * 3000 + "\n.\nFrom me\n"
    read_back, wire = read(composed(Rendered("Grüße an " + "日本" * 60, text, f"<p>{text}</p>")))
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) <= 78
    assert read_back["Subject"] == "Grüße an " + "日本" * 60
    assert content_of(read_back.get_body(["plain"])) == text


@pytest.mark.parametrize(
    "injected",
    [
        "Eve\r\nBcc: all@example.org",
        "Eve\nBcc: all@example.org",
        "Eve\rBcc: all@example.org",
        "Eve\x00\x0b\x0c\x85\u2028\u2029Bcc: all@example.org",
        "Eve\n\n<script>",
        "é\nBcc: all@example.org" + "é" * 80,
        "=?utf-8?q?Eve=0D=0ABcc:_all@example.org?=",
        '"Eve" <eve@example.org>, ',
        "\u202eEve" + "x" * 500,
        "-" * 76 + "\n" + "Bcc: all@example.org",
    ],
)
def test_no_value_adds_a_header_or_a_recipient(injected):
    message = composed(
        Rendered(injected, "Text", "<p>Text</p>"), sender=address_of("shop@shop.example", injected)
    )
    read_back, wire = read(message)
    head = wire.partition(b"\r\n\r\n")[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert b"Bcc" not in names
    assert len(names) == len(set(names)) == 9
    assert [each.addr_spec for each in read_back["From"].addresses] == ["shop@shop.example"]
    assert [part.get_content_type() for part in read_back.iter_parts()] == ["text/plain", "text/html"]


def test_bulk_mail_can_be_ended_with_one_click():
    url = "https://shop.example/api/v1/unsubscribe?token=" + "x" * 300
    rendered = Rendered("s", "t", "h", "en", unsubscribe_url=url)
    _, wire = read(composed(rendered, is_bulk=True))
    # In one piece: mailboxes do not decode the header.
    assert (
        f"\r\nList-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
        in wire
    )
    assert b"List-Unsubscribe" not in read(composed(rendered))[1]
    assert b"List-Unsubscribe" not in read(composed(is_bulk=True))[1]


@pytest.mark.parametrize(
    ("address", "on_the_wire", "needs_smtputf8"),
    [
        ("reader@bücher.example", "reader@xn--bcher-kva.example", False),
        ("reader@BÜCHER.example", "reader@xn--bcher-kva.example", False),
        ("o'neill+tag@example.org", "o'neill+tag@example.org", False),
        ("jürgen@example.org", "jürgen@example.org", True),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v", True),
    ],
)
def test_a_domain_is_punycode_and_only_a_local_part_needs_smtputf8(address, on_the_wire, needs_smtputf8):
    message = composed(recipient=address_of(address))
    _, wire = read(message)
    assert f"\r\nTo: {on_the_wire}\r\n".encode() in wire
    assert (message.policy.utf8, wire.isascii()) == (needs_smtputf8, not needs_smtputf8)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "reader",
        "@example.org",
        "reader@",
        "a@b@example.org",
        "a b@example.org",
        "a\r\nBcc:b@example.org",
        "reader@exa mple.org",
        "reader@example.org\r\nBcc: all@example.org",
        "reader@example.org>",
        "<reader@example.org",
        ".a@example.org",
        "a..b@example.org",
        "a,b@example.org",
        "reader@-.example",
        "reader@..",
        "x" * 65 + "@example.org",
        "reader@" + ".".join(["x" * 60] * 5),
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(BadAddress):
        address_of(address)
