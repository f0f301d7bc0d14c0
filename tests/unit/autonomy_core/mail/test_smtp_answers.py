"""What an answer of a mail server means: RFC 5321, section 4.2, and RFC 3463."""

import pytest

from autonomy_core.mail.domain import Verdict, judge


@pytest.mark.parametrize(
    ("stage", "answer", "verdict"),
    [
        ("sender", "250 2.1.0 Ok", Verdict.ACCEPTED),
        ("recipient", "251 User not local; will forward", Verdict.ACCEPTED),
        ("data", "250 2.0.0 queued as 4F1", Verdict.ACCEPTED),
        ("recipient", "450 4.7.1 greylisted", Verdict.TRY_AGAIN),
        ("data", "452 4.3.1 disk full", Verdict.TRY_AGAIN),
        ("sender", "451 4.7.1 too fast", Verdict.TRY_AGAIN),
        ("recipient", "421 4.3.2 shutting down", Verdict.ACCOUNT_REFUSED),
        ("sender", "550 5.7.1 sender not owned by user", Verdict.ACCOUNT_REFUSED),
        ("recipient", "530 5.7.0 Authentication required", Verdict.ACCOUNT_REFUSED),
        ("recipient", "550 5.1.1 no such user", Verdict.BAD_ADDRESS),
        ("data", "550 5.1.1 no such user", Verdict.BAD_ADDRESS),
        ("recipient", "556 5.1.10 recipient has null MX", Verdict.BAD_ADDRESS),
        ("recipient", "550 5.2.1 mailbox disabled", Verdict.BAD_ADDRESS),
        ("recipient", "550 No such user here", Verdict.BAD_ADDRESS),
        ("recipient", "553 mailbox name not allowed", Verdict.BAD_ADDRESS),
        ("recipient", "552 5.2.2 mailbox full", Verdict.REJECTED),
        ("recipient", "550 5.7.1 rejected by policy", Verdict.REJECTED),
        ("recipient", "554 Transaction failed", Verdict.REJECTED),
        ("data", "550 looks like spam", Verdict.REJECTED),
        ("data", "554 5.7.1 looks like spam", Verdict.REJECTED),
        ("recipient", "-1 nonsense", Verdict.ACCOUNT_REFUSED),
    ],
)
def test_an_answer_decides_about_the_mail_the_address_or_the_account(stage, answer, verdict):
    assert judge(stage, answer) == verdict
