"""An organisation's own sources: what is checked before they come into service."""

from pathlib import Path

import pytest

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.mail.overrides import OwnSourceCheck

TEMPLATE = MailTemplate(
    "shop.thanks", "autonomy_core.mail", sample={"title": "First Light", "tracks": [{"seconds": 61}]}
)
CHECK = OwnSourceCheck({TEMPLATE.name: TEMPLATE})


def found(name, text):
    return [
        (each.line, each.code, f"{each.message} ({each.remedy})")
        for each in CHECK(Path("x/mail", name), text)
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop.thanks.de.md", "Subject: Danke\n\n{{ title }} {{ organisation.name }}\n"),
        (
            "shop.thanks.pt-BR.md",
            "Subject: Obrigado\r\n\r\n{% for t in tracks %}{{ t.seconds }}{% endfor %}\r\n",
        ),
        ("mail.footer.de.md", "Impressum\n{{ unsubscribe_url }}\n"),
    ],
)
def test_a_good_source_has_no_problem(name, text):
    assert found(name, text) == []


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("thanks.de.md", "", 1, "thanks.de.md names no template (name the file"),
        ("shop.thanks.md", "", 1, "shop.thanks.md names no template"),
        ("shop.thnks.de.md", "", 1, "there is no template 'shop.thnks' (did you mean 'shop.thanks'?)"),
        ("shop.thanks.german.md", "", 1, "'german' is no language"),
        (
            "shop.thanks.de.md",
            "Danke\n",
            1,
            "the first line is no subject (begin the file with 'Subject: …')",
        ),
        ("shop.thanks.de.md", "Subject: s\n\na\n{{ titel }}\n", 4, "'titel' (did you mean 'title'?)"),
        ("shop.thanks.de.md", "Subject: {{ x }}\n\n", 1, "has no value 'x'"),
        ("shop.thanks.de.md", "Subject: s\n\n{% if title %}\n", 3, "Unexpected end of template"),
        ("shop.thanks.de.md", "Subject: s\n\n{{ title.text }}\n", 3, "has no attribute 'text'"),
        ("shop.thanks.de.md", "Subject: s\n\n{{ title|upper }}\n", 3, "No filter named 'upper'"),
        ("shop.thanks.de.md", "Subject: s\n\n\n{{ title() }}\n", 4, "mail templates have no call"),
        ("mail.footer.de.md", "{{ title }}\n", 1, "mail.footer has no value 'title'"),
    ],
)
def test_a_problem_names_its_line_and_a_remedy(name, text, line, message):
    [(at, code, shown)] = found(name, text)
    assert at == line
    assert message in shown
    assert code in {"unknown_mail_template", "invalid_mail_template"}
