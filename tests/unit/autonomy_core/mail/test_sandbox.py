"""The language of templates: what it offers, what it refuses, and that nothing in it is without a limit."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from autonomy_core.mail.compiling import LONGEST_SOURCE, compile_mail
from autonomy_core.mail.sandbox import (
    CLOSE,
    LONGEST_OUTPUT,
    MOST_REPETITIONS,
    OPEN,
    State,
    TemplateProblem,
    fill,
    marks,
)

VALUES = {
    "name": "Ada",
    "amount": 1250,
    "currency": "eur",
    "at": "2026-11-30T23:30:00+00:00",
    "items": [{"title": "One"}, {"title": "Two"}],
    "many": list(range(50)),
    "nothing": None,
    "yes": True,
}


def filled(body, locale="en", zone=UTC):
    state = State(Locale.parse(locale), zone)
    text = fill(compile_mail(f"Subject: s\n\n{body}").body, VALUES, state)
    return "".join(part for part, _ in marks(text, state.literals)).strip()


def problem_of(body):
    with pytest.raises(TemplateProblem) as caught:
        filled(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Dear {{ name }}", "Dear Ada"),
        ("{% if yes and name == 'Ada' %}a{% else %}b{% endif %}", "a"),
        ("{% if nothing is none %}a{% endif %}", "a"),
        ("{% if name in ['Bob', 'Ada'] %}a{% endif %}", "a"),
        ("{{ nothing or 'none' }}", "none"),
        ("{{ 'a' if yes else 'b' }}", "a"),
        ("{{ nothing }}", ""),
        ("{% for each in items %}{{ each.title }}{{ ',' if not loop.last }}{% endfor %}", "One,Two"),
        ("{% for each in nothing %}a{% endfor %}", ""),
        ("{{ amount|money(currency) }}", "€12.50"),
        ("{{ at|date }}", "November 30, 2026"),
        ("{{ at|time }}", "November 30, 2026, 11:30\u202fPM UTC"),
        ("{# a remark #}{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
    ],
)
def test_a_template_reads_tests_repeats_and_formats(body, text):
    assert filled(body) == text


def test_amounts_and_dates_follow_language_and_time_zone():
    shown = filled(
        "{{ amount|money(currency) }} {{ at|date }}", "de-AT".replace("-", "_"), ZoneInfo("Asia/Tokyo")
    )
    assert shown == "€\xa012,50 1. Dezember 2026"


@pytest.mark.parametrize(
    "body",
    [
        "{{ name.__class__ }}",
        "{{ items.append }}",
        "{{ name.format }}",
        "{{ name|attr('__class__') }}",
        "{{ name|safe }}",
        "{{ name['upper'] }}",
        "{{ cycler('a') }}",
        "{{ range(9) }}",
        "{{ name() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ name ~ name }}",
        "{{ '%9999999d' % 1 }}",
        "{% set name = 'Eve' %}",
        "{% include 'other' %}",
        "{% import 'other' as other %}",
        "{% extends 'other' %}",
        "{% macro again() %}{{ again() }}{% endmacro %}",
        "{% call name() %}{% endcall %}",
        "{% filter money %}a{% endfilter %}",
        "{% for each in items recursive %}{{ loop(each) }}{% endfor %}",
        "{% block body %}{% endblock %}",
        "{{ self }}",
        "{{ loop }}",
        "{{ items }}",
        "{{ yes }}",
        "{% for letter in name %}{% endfor %}",
        "{{ unknown }}",
        "{{ amount|money('zzz') }}",
        "{{ name|date }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% if yes %}" * 300 + "{% endif %}" * 300,
    ],
)
def test_a_template_has_nothing_else(body):
    problem_of(body)


def test_a_problem_names_the_line_of_the_file():
    assert problem_of("first\n\n{{ unknown }}").line == 5
    assert problem_of("first\n{% if %}").line == 4
    assert problem_of("{% for each in items %}\n\n{{ each.titel }}\n{% endfor %}").line == 5


def test_the_problem_quotes_no_value():
    assert "Ada" not in problem_of("{{ name|date }}").message


def test_loops_in_loops_are_stopped():
    nested = "{% for a in many %}" * 6 + "{% endfor %}" * 6
    assert str(MOST_REPETITIONS) in problem_of(nested).message


def test_a_long_output_is_stopped():
    long = "x" * 2000
    problem = problem_of(f"{{% for a in many %}}{long}{{% endfor %}}")
    assert str(LONGEST_OUTPUT) in problem.message


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("", 1),
        ("Dear reader", 1),
        ("Subject:  \n\nDear reader", 1),
        ("Subject: s\nDear reader", 2),
        (f"Subject: s\n\na\n{OPEN}0{CLOSE}", 4),
        ("Subject: s\n\n" + "x" * LONGEST_SOURCE, 1),
    ],
)
def test_a_source_has_a_subject_and_a_limited_size(source, line):
    with pytest.raises(TemplateProblem) as caught:
        compile_mail(source)
    assert caught.value.line == line


def test_a_source_tells_which_values_it_reads_and_where():
    source = compile_mail(
        "Subject: {{ a }}\n\n{% for x in b %}{{ x.y }}{{ loop.index }}\n{{ c }}{% endfor %}{{ c }}"
    )
    assert source.names == {"a": 1, "b": 3, "c": 4}
