"""The file name of a download."""

from __future__ import annotations

import pytest

from autonomy_core.files.disposition import attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Slow Ferry", 'attachment; filename="Slow Ferry.mp3"'),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd.mp3"'),
        ('a"b\\c', 'attachment; filename="a_b_c.mp3"'),
        ("a\r\nSet-Cookie: x", 'attachment; filename="a__Set-Cookie_ x.mp3"'),
        ("100%25", 'attachment; filename="100_25.mp3"'),
        (" .. ", 'attachment; filename="track.mp3"'),
        ("Übergang", "attachment; filename=\"Ubergang.mp3\"; filename*=UTF-8''%C3%9Cbergang.mp3"),
        ("夜", "attachment; filename=\"track.mp3\"; filename*=UTF-8''%E5%A4%9C.mp3"),
        ("a\u202egpj", 'attachment; filename="a_gpj.mp3"'),
    ],
)
def test_a_file_name_is_safe_in_the_header_and_on_the_disk(name, header):
    assert attachment(name, ".mp3", unnamed="track") == header


def test_a_very_long_name_is_truncated():
    assert len(attachment("x" * 5000, ".mp3")) < 200
