"""The commands of the books."""

import json

import pytest

from autonomy_core.accounting.export import COLUMNS

pytestmark = pytest.mark.processes


def test_an_organisation_without_payments_exports_the_header_only(site):
    result = site.run("payments", "export", "acme", "--status", "completed", "--from", "2026-01-01")
    assert result.stdout.splitlines() == [",".join(COLUMNS)]


def test_figures_of_a_time_in_which_nothing_happened(site):
    assert "nothing happened in this time" in site.run("payments", "figures", "acme").stdout
    answer = json.loads(site.run("payments", "figures", "acme", "--by", "month", "--json").stdout)
    assert answer == {"time_zone": "UTC", "items": [], "totals": []}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("export", "acme", "--from", "20260101"), "is no day"),
        (("figures", "acme", "--from", "1000-01-01"), "Ask for at most"),
        (("figures", "acme", "--currency", "euro"), "Invalid value"),
        (("figures", "nobody"), "There is no organisation"),
        (("export", "nobody"), "There is no organisation"),
    ],
)
def test_a_question_without_an_answer_is_refused(site, arguments, problem):
    result = site.run("payments", *arguments)
    assert result.exit_code != 0
    assert problem in result.stderr
