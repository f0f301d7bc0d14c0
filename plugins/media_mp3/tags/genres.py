"""The genres that tags name by number (id3.org, ID3v2.3, appendix A; from 80 on as Winamp has added them)."""

from __future__ import annotations

import re

_NAMES_IN_ORDER = (
    "Blues|Classic Rock|Country|Dance|Disco|Funk|Grunge|Hip-Hop|Jazz|Metal|New Age|Oldies|Other|Pop|"
    "R&B|Rap|Reggae|Rock|Techno|Industrial|Alternative|Ska|Death Metal|Pranks|Soundtrack|Euro-Techno|"
    "Ambient|Trip-Hop|Vocal|Jazz+Funk|Fusion|Trance|Classical|Instrumental|Acid|House|Game|"
    "Sound Clip|Gospel|Noise|Alternative Rock|Bass|Soul|Punk|Space|Meditative|Instrumental Pop|"
    "Instrumental Rock|Ethnic|Gothic|Darkwave|Techno-Industrial|Electronic|Pop-Folk|Eurodance|Dream|"
    "Southern Rock|Comedy|Cult|Gangsta|Top 40|Christian Rap|Pop/Funk|Jungle|Native American|Cabaret|"
    "New Wave|Psychedelic|Rave|Showtunes|Trailer|Lo-Fi|Tribal|Acid Punk|Acid Jazz|Polka|Retro|"
    "Musical|Rock & Roll|Hard Rock|Folk|Folk-Rock|National Folk|Swing|Fast Fusion|Bebop|Latin|"
    "Revival|Celtic|Bluegrass|Avantgarde|Gothic Rock|Progressive Rock|Psychedelic Rock|"
    "Symphonic Rock|Slow Rock|Big Band|Chorus|Easy Listening|Acoustic|Humour|Speech|Chanson|Opera|"
    "Chamber Music|Sonata|Symphony|Booty Bass|Primus|Porn Groove|Satire|Slow Jam|Club|Tango|Samba|"
    "Folklore|Ballad|Power Ballad|Rhythmic Soul|Freestyle|Duet|Punk Rock|Drum Solo|A Cappella|"
    "Euro-House|Dance Hall|Goa|Drum & Bass|Club-House|Hardcore Techno|Terror|Indie|BritPop|Afro-Punk|"
    "Polsk Punk|Beat|Christian Gangsta Rap|Heavy Metal|Black Metal|Crossover|"
    "Contemporary Christian|Christian Rock|Merengue|Salsa|Thrash Metal|Anime|J-Pop|Synth-Pop|Abstract|"
    "Art Rock|Baroque|"
    "Bhangra|Big Beat|Breakbeat|Chillout|Downtempo|Dub|EBM|Eclectic|Electro|Electroclash|Emo|"
    "Experimental|Garage|Global|IDM|Illbient|Industro-Goth|Jam Band|Krautrock|Leftfield|Lounge|Math Rock|"
    "New Romantic|Nu-Breakz|Post-Punk|Post-Rock|Psytrance|Shoegaze|Space Rock|Trop Rock|World Music|"
    "Neoclassical|Audiobook|Audio Theatre|Neue Deutsche Welle|Podcast|Indie Rock|G-Funk|Dubstep|"
    "Garage Rock|Psybient"
)
_NAMES = tuple(_NAMES_IN_ORDER.split("|"))
_REFERENCE = re.compile(r"\((\d{1,3}|RX|CR)\)", re.ASCII)


def genre_of(number: int) -> str | None:
    """The name of a genre, None where the number has none."""
    return _NAMES[number] if 0 <= number < len(_NAMES) else None


def genre_of_text(text: str) -> str:
    """Return the genre of a text such as ``17``, ``(17)``, ``(17)Rock`` or ``Rock``.

    A name after a number refines the number and wins. Source: ID3v2.3, section 4.2.1, TCON.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 3:
        return genre_of(int(text)) or ""
    named = ""
    while found := _REFERENCE.match(text):
        named = named or (genre_of(int(found[1])) if found[1].isdigit() else None) or ""
        text = text[found.end() :]
    # Two brackets stand for one that belongs to the name.
    return (text[1:] if text.startswith("((") else text.strip()) or named
