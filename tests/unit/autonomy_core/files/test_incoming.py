"""The temporary files of uploads that did not finish."""

from __future__ import annotations

import os

from autonomy_core.files.incoming import remove_abandoned


def test_leftovers_of_a_killed_process_are_removed_after_a_day(tmp_path):
    old, new, foreign = (tmp_path / name for name in ("upload-a.mp3", "upload-b.mp3", "notes.txt"))
    for path in (old, new, foreign):
        path.touch()
    for path in (old, foreign):
        os.utime(path, (0, 0))

    remove_abandoned(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "upload-b.mp3"]
