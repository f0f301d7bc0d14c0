import pytest

from autonomy_core.languages import choose, locale_of


@pytest.mark.parametrize(
    ("wanted", "tag", "locale"),
    [
        (["de"], "de", "de"),
        (["de-AT"], "de", "de_AT"),
        (["de-at"], "de", "de_AT"),
        (["fr", "de"], "de", "de"),
        ([None, "de"], "de", "de"),
        (["nonsense-", "xx", "de"], "de", "de"),
        (["pt-BR"], "pt-BR", "pt_BR"),
        (["pt-PT"], "en", "en"),
        (["zh-Hant-TW"], "zh-Hant", "zh_Hant_TW"),
        (["en-GB", "de"], "en", "en_GB"),
        (["fr"], "en", "en"),
        ([], "en", "en"),
    ],
)
def test_the_first_wanted_language_that_is_there_is_chosen(wanted, tag, locale):
    chosen = choose({"en", "de", "pt-BR", "zh-Hant", "ar"}, *wanted)
    assert (chosen.tag, str(chosen.locale)) == (tag, locale)


def test_arabic_is_written_from_right_to_left():
    assert choose({"ar"}, "ar").direction == "rtl"
    assert choose({"de"}, "de").direction == "ltr"


@pytest.mark.parametrize("tag", ["", "-", "de_DE", "d", "deutsch", "../de", "dé", "de-", "de\n", "x" * 500])
def test_a_malformed_tag_is_no_language(tag):
    assert locale_of(tag) is None
