"""Recognises files that are certainly not MP3, by their first bytes. Used to refuse, never to accept."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder

SNIFFED_BYTES = 1024

_AT_START: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF document"),
    (b"GIF8", "GIF picture"),
    (b"\x89PNG", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"MZ", "Windows program"),
    (b"\x7fELF", "Linux program"),
    (b"\xca\xfe\xba\xbe", "Java class"),
    (b"#!", "script"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"7z\xbc\xaf", "7-Zip archive"),
    (b"Rar!", "RAR archive"),
    (b"fLaC", "FLAC audio"),
    (b"OggS", "Ogg audio"),
    (b"FORM", "AIFF audio"),
    (b"ADIF", "AAC audio"),
    (b"MThd", "MIDI file"),
    (b"caff", "CAF audio"),
    (b".snd", "AU audio"),
    (b"wvpk", "WavPack audio"),
    (b"MAC ", "Monkey's Audio"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (b"FLV\x01", "Flash video"),
)
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|!--|\?xml|\?php|html|head|body|script|svg)", re.IGNORECASE
)


def foreign_format(head: bytes) -> str | None:
    """Name the foreign format that begins here.

    Args:
        head: up to `SNIFFED_BYTES` from the start of the file, or from behind its ID3v2 tag.

    Returns:
        A name for people, or None when nothing foreign was recognised.
    """
    for magic, name in _AT_START:
        if head.startswith(magic):
            return name
    if head.startswith((b"RIFF", b"RIFX", b"RF64", b"BW64")):
        return "WAV audio" if head[8:12] == b"WAVE" else "RIFF container"
    if head[4:8] == b"ftyp":
        return "MP4 container"
    if _MARKUP.match(head):
        return "HTML or XML document"
    if _is_adts(head):
        return "AAC audio"
    return "text" if _is_text(head) else None


def _is_adts(head: bytes) -> bool:
    """ADTS has the sync word of MPEG audio with the layer bits, which MPEG audio never leaves so, at zero."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _is_text(head: bytes) -> bool:
    try:
        text = getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character in "\t\r\n\f" for character in text)
