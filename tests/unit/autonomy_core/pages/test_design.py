"""The design system can be read: WCAG 2.2, contrast."""

import re
from importlib.resources import files

import pytest

from autonomy_core.pages.design import PAIRS, colours, contrast, tokens

CSS = files("autonomy_core.pages").joinpath("static", "autonomy.css").read_text("utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS, ids=str)
def test_what_is_read_has_enough_contrast(ink, ground, least, dark):
    found = colours(dark=dark)
    assert contrast(found[ink], found[ground]) >= least


def test_the_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_every_colour_is_defined_for_a_dark_ground():
    assert [each.name for each in tokens() if each.is_colour and each.dark is None] == []


def test_every_property_says_what_it_is_for():
    assert [each.name for each in tokens() if not each.about] == []


def test_every_property_that_is_used_is_defined_and_used():
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", CSS))
    defined = {each.name for each in tokens()}
    assert used - defined == set()
    assert defined - used <= {"space-6", "text-large"}


def test_components_have_no_colours_of_their_own():
    components = CSS.split("*,\n*::before")[1]
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", components)) <= {"#000"}  # print
