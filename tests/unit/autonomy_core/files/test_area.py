"""Mistakes in the declaration of files are reported when the plugin is imported, and not by an upload."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from autonomy_core.files.area import FileArea
from autonomy_core.files.collecting import delete_unreferenced
from autonomy_core.files.marks import UnreferencedFileMark
from autonomy_core.kernel.files import StoredFiles


def somewhere(_: Any) -> Path:
    return Path("/nowhere")


def area(name: str = "scores", **changes: Any) -> FileArea:
    values = {"directory": somewhere, "plugin": "scores", "suffix": ".pdf", **changes}
    return FileArea(name, **values)


@pytest.mark.parametrize("suffix", [".pdf", ".mp3", ".7z", ".abcdefghij"])
def test_a_suffix_is_a_dot_and_lower_case_letters_or_digits(suffix: str) -> None:
    assert area(suffix=suffix).suffix == suffix


@pytest.mark.parametrize("suffix", ["", ".", "pdf", ".PDF", ".tar.gz", "/.pdf", ".pdf\n", ".abcdefghijk"])
def test_any_other_suffix_is_refused(suffix: str) -> None:
    with pytest.raises(ValueError, match=r"files 'scores': suffix=.*write a dot"):
        area(suffix=suffix)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "scores\n", "ä"])
def test_a_name_that_is_no_directory_of_a_backup_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the name has to consist of"):
        StoredFiles(name, somewhere)
    with pytest.raises(ValueError, match="the name has to consist of"):
        area(name)


@pytest.mark.parametrize("plugin", ["", "Scores", "scores.pdf", "a b"])
def test_a_plugin_that_cannot_be_one_is_refused(plugin: str) -> None:
    with pytest.raises(ValueError, match=r"files 'scores': plugin=.*write the plugin's name"):
        area(plugin=plugin)


@pytest.mark.parametrize("field", ["directory", "make_storage"])
def test_a_path_in_place_of_a_function_is_refused(field: str) -> None:
    with pytest.raises(TypeError, match=f"files 'scores': {field} is .*, and no function"):
        area(**{field: Path("/nowhere")})


def test_two_areas_cannot_share_a_table_of_marks() -> None:
    class OfScores(UnreferencedFileMark):
        __abstract__ = True  # no table of the test's own in the metadata
        area = "scores"

    with pytest.raises(ValueError, match="OfScores has the marks of the files 'scores', and not of 'parts'"):
        # It is refused before the scope is used.
        delete_unreferenced(None, area("parts"), OfScores, set(), after=timedelta(1))  # type: ignore[arg-type]
