"""Every kind of mail of the core and of the installed plugins, in every language."""

import re
from types import ModuleType

import pytest

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.languages import choose
from autonomy_core.mail.overrides import check_source
from autonomy_core.mail.rendering import Look, known_names, render_for, render_source
from autonomy_core.mail.sources import compiled, shipped
from autonomy_core.mail.templates import FOOTER
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.registrations import mail_templates_of

TEMPLATES = {**mail_templates_of(Plugins.from_entry_points()), FOOTER.name: FOOTER}
LANGUAGES = ("en", "de")
HOSTILE = "<script>alert(1)</script>\r\nBcc: a@b.example [x](https://evil.example) \u202e {{ x }}"
EVERY = pytest.mark.parametrize("name", sorted(TEMPLATES))
EACH = pytest.mark.parametrize(
    ("name", "language"), [(n, tag) for n in sorted(TEMPLATES) for tag in LANGUAGES]
)


def part(name, language, values):
    template = TEMPLATES[name]
    source = compiled(template, shipped(template)[language])
    return render_source(
        Look("Shop", "help@shop.example"), template, source, values, choose({language}, language)
    )


@EACH
def test_a_text_suits_its_sample(name, language):
    template = TEMPLATES[name]
    check_source(template, shipped(template)[language])
    shown = part(name, language, template.sample)
    assert shown.text
    assert shown.html
    assert shown.subject or template is FOOTER
    assert "None" not in shown.text
    assert "{{" not in shown.subject + shown.text


@EACH
def test_a_text_does_without_what_may_be_missing(name, language):
    shown = [
        part(name, language, {**TEMPLATES[name].sample, key: None})
        for key in optional(TEMPLATES[name].sample)
    ]
    assert not [each for each in shown if "None" in each.text]


def optional(sample):
    """The values that a mail may lack: addresses, and lists of them."""
    return [
        key for key in sample if key.endswith("_url") or key in {"coupon", "consent", "taxes", "discount"}
    ]


@EACH
def test_hostile_values_stay_values(name, language):
    shown = part(name, language, hostile(TEMPLATES[name].sample))
    assert "<script" not in shown.html
    assert 'evil.example"' not in shown.html
    assert "\n" not in shown.subject
    assert "\u202e" not in shown.text + shown.html + shown.subject


def hostile(value):
    """The value with `HOSTILE` for each text that is not a time, a currency or an address."""
    if isinstance(value, dict):
        return {key: each if key == "currency" else hostile(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    is_plain = isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\dT|https://", value)
    return HOSTILE if is_plain else value


@EVERY
def test_every_language_says_the_same_values(name):
    template = TEMPLATES[name]
    names = {tag: compiled(template, text).names.keys() for tag, text in shipped(template).items()}
    assert set(names) >= set(LANGUAGES)
    assert {tag for tag in names if names[tag] ^ names["en"]} == set()
    assert names["en"] <= known_names(template)


@EVERY
def test_nothing_stays_in_english(name):
    english, german = (set(phrases(shipped(TEMPLATES[name])[tag])) for tag in LANGUAGES)
    assert english & german == set()


def phrases(source):
    """The runs of three words or more between the marks of templates and of Markdown."""
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\(.*?\)", "\n", source)
    found = re.split(r"[\n.,:;!?|#>*\[\]]+", text)
    return [phrase.strip() for phrase in found if len(phrase.split()) > 2]


@pytest.mark.parametrize("name", sorted(TEMPLATES.keys() - {FOOTER.name}))
def test_a_whole_mail_is_small_and_complete(name):
    template = TEMPLATES[name]
    mail = render_for(Look("Shop"), template, template.sample, locale="de")
    assert mail.html.startswith('<!doctype html>\n<html lang="de" dir="ltr">')
    assert mail.html.rstrip().endswith("</html>")
    assert len(mail.html) < 20_000


def test_a_mistake_in_a_plugins_text_for_others_is_reported_at_start(tmp_path, monkeypatch):
    """A text for a plugin that is not installed may wait."""
    for name, text in {
        "frenchpack.hello.en.md": "Subject: Hello\n\nHello.",
        "absent.news.fr.md": "Subject: {{ x }}\n\nx",
        "payments.receipt.fr.md": "Subject: Merci\n\n{{ amuont }}",
    }.items():
        (tmp_path / "frenchpack" / "mail").mkdir(parents=True, exist_ok=True)
        (tmp_path / "frenchpack" / "mail" / name).write_text(text)
    (tmp_path / "frenchpack" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    plugin = ModuleType("frenchpack.plugin")
    hello = [MailTemplate("frenchpack.hello", "frenchpack")]
    plugin.register_mail_templates = hookimpl(lambda: hello)
    with pytest.raises(PluginError, match=r"frenchpack: mail/payments\.receipt\.fr\.md:3: .*'amuont'"):
        mail_templates_of(Plugins({"frenchpack": plugin}))
