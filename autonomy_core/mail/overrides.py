"""Checks an organisation's own sources of mail templates when they are loaded, with the samples.

`autonomy_core.tenancy` reads them with the organisation's ini file. A version of the organisation with a bad
source does not come into service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.languages import choose, locale_of
from autonomy_core.mail.rendering import Look, known_names, render_source
from autonomy_core.mail.sandbox import TemplateProblem
from autonomy_core.mail.sources import compiled, split_name
from autonomy_core.mail.templates import FOOTER
from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.validation import did_you_mean

NAMED = "name the file <template>.<language>.md, such as payments.receipt.de.md"


class OwnSourceCheck:
    """Checks one source.

    Args:
        templates: the templates of the core and of all installed plugins, by name.
    """

    def __init__(self, templates: Mapping[str, MailTemplate]) -> None:
        self._templates = {**templates, FOOTER.name: FOOTER}

    def __call__(self, file: Path, text: str) -> Iterator[Problem]:
        """Yield the problems of a source.

        Args:
            file: its path. The name of the file says which template it replaces, and in which language.
            text: its content.
        """
        parts = split_name(file.name)
        if parts is None:
            yield Problem(file, 1, "unknown_mail_template", f"{file.name} names no template", NAMED)
            return
        name, language = parts
        template = self._templates.get(name)
        if template is None:
            remedy = did_you_mean(name, self._templates)
            yield Problem(file, 1, "unknown_mail_template", f"there is no template {name!r}", remedy)
        elif locale_of(language) is None:
            yield Problem(file, 1, "unknown_mail_template", f"{language!r} is no language", NAMED)
        else:
            try:
                check_source(template, text)
            except TemplateProblem as problem:
                yield Problem(file, problem.line, "invalid_mail_template", problem.message, problem.remedy)


def check_source(template: MailTemplate, text: str) -> None:
    """Check a source of a template: its syntax, the names of values, and a rendering of the sample.

    Args:
        template: the template.
        text: the source.

    Raises:
        TemplateProblem: it cannot be used.
    """
    source, known = compiled(template, text), known_names(template)
    for name, line in sorted(source.names.items(), key=itemgetter(1)):
        if name not in known:
            raise TemplateProblem(f"{template.name} has no value {name!r}", line, did_you_mean(name, known))
    render_source(Look("Sample", "help@shop.example"), template, source, template.sample, choose(()))
