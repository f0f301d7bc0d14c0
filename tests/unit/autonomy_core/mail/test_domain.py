from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from autonomy_core.mail.domain import GIVE_UP_AFTER, message_id_of, next_attempt

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
MAIL_ID = UUID("01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071")


@pytest.mark.parametrize(
    ("attempts", "wait_s"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (1000, 3600)]
)
def test_the_wait_doubles_up_to_an_hour(attempts, wait_s):
    assert next_attempt(CREATED, attempts, CREATED) == CREATED + timedelta(seconds=wait_s)


def test_a_mail_is_given_up_after_three_days_whatever_the_attempts():
    last = CREATED + GIVE_UP_AFTER
    assert next_attempt(CREATED, 1, last - timedelta(seconds=1)) is not None
    assert next_attempt(CREATED, 1, last) is None


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("shop@acme.example", "acme.example"),
        ("shop@Bücher.example", "xn--bcher-kva.example"),
        ("shop@localhost", "localhost"),
        ("shop@a b", "localhost"),
    ],
)
def test_the_message_id_has_the_senders_domain_in_ascii(sender, domain):
    assert message_id_of(MAIL_ID, sender) == f"<{MAIL_ID}@{domain}>"
