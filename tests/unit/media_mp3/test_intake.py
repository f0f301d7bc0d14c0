"""What is left of uploads that were never finished."""

from __future__ import annotations

import os

from media_mp3.intake import remove_abandoned


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path):
    old, new, foreign = (tmp_path / name for name in ("upload-a.mp3", "upload-b.mp3", "notes.txt"))
    for path in (old, new, foreign):
        path.touch()
    for path in (old, foreign):
        os.utime(path, (0, 0))

    remove_abandoned(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "upload-b.mp3"]
