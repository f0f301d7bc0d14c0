"""Every text of the pages is translated."""

from pathlib import Path

import pytest

from autonomy_core.kernel.pages import Message
from autonomy_core.pages.catalogues import texts_of
from autonomy_core.pages.extraction import problems_of, texts_in, updated

ROOT = Path(__file__).parents[4]
PACKAGES = [
    (ROOT / "autonomy_core", ROOT / "autonomy_core" / "pages" / "locale"),
    *((path.parent, path) for path in sorted((ROOT / "plugins").glob("*/locale"))),
]


@pytest.mark.parametrize(("package", "locale"), PACKAGES, ids=lambda path: path.name)
def test_every_text_has_a_german_translation(package, locale):
    texts, path = texts_in(package), locale / "de.po"
    assert len(texts) > 5
    assert list(problems_of(path, texts)) == [], "run make texts, and translate what is missing"
    assert path.read_bytes() == updated(path, texts), "run make texts"


def test_every_package_with_templates_has_a_catalogue():
    found = {path.parent for path in (ROOT / "plugins").glob("*/templates")}
    assert {package for package, _ in PACKAGES[1:]} == found


@pytest.fixture
def package(tmp_path):
    (tmp_path / "templates" / "x").mkdir(parents=True)
    (tmp_path / "templates" / "x" / "a.html").write_text(
        '{{ _("Hello") }} {% trans n=count %}One track{% pluralize %}{{ n }} tracks{% endtrans %}'
    )
    (tmp_path / "views.py").write_text('title = _("Shop %(name)s", name="x")\n')
    (tmp_path / "locale").mkdir()
    (tmp_path / "locale" / "de.po").write_text("")
    return tmp_path


def test_texts_are_collected_from_templates_and_code(package):
    found = {text.id for text in texts_in(package) if text.id}
    assert found == {"Hello", ("One track", "%(n)s tracks"), "Shop %(name)s"}


def test_a_missing_a_doubtful_and_a_wrong_translation_are_found(package):
    path, texts = package / "locale" / "de.po", texts_in(package)
    content = updated(path, texts).decode()
    assert len(list(problems_of(path, texts))) == 3
    content = content.replace('msgid "Hello"\nmsgstr ""', '#, fuzzy\nmsgid "Hello"\nmsgstr "Hallo"')
    content = content.replace('"Shop %(name)s"\nmsgstr ""', '"Shop %(name)s"\nmsgstr "Laden %(nam)s"')
    content = content.replace('msgstr[0] ""\nmsgstr[1] ""', 'msgstr[0] "Ein Titel"\nmsgstr[1] "%(n)s Titel"')
    path.write_text(content)
    found = list(problems_of(path, texts))
    assert len(found) == 2
    assert any("fuzzy" in problem for problem in found)


def test_an_update_keeps_translations_and_drops_what_is_gone(package):
    path = package / "locale" / "de.po"
    path.write_text('msgid "Hello"\nmsgstr "Hallo"\n\nmsgid "Gone"\nmsgstr "Weg"\n')
    content = updated(path, texts_in(package)).decode()
    assert 'msgid "Hello"\nmsgstr "Hallo"' in content
    assert "Gone" not in content


def test_a_text_is_translated_with_its_values():
    texts = texts_of(["autonomy_core.pages", "storefront"])
    assert texts["de"].text(Message("from %(amount)s", {"amount": "5 €"})) == "ab 5 €"
    assert texts["en"].text("from %(amount)s", amount="€5") == "from €5"
    assert texts["de"].text("100 % cotton") == "100 % cotton"


def test_an_unknown_message_about_a_field_becomes_a_general_one():
    texts = texts_of(["autonomy_core.pages"])
    assert texts["de"].about_field("Longer than 3.") == "Bitte prüfen Sie diese Eingabe."
    assert texts["en"].about_field("Longer than 3.") == "Longer than 3."
