"""One answer as XML and as JSON."""

from __future__ import annotations

import json
from xml.etree.ElementTree import fromstring

from media_mp3.subsonic.domain import ProtocolError
from media_mp3.subsonic.envelope import failed, in_json, in_xml, succeeded

ANSWER = succeeded(
    {
        "albumList2": {"album": [{"id": "al-1", "name": "Tide & <Time>\x0b", "year": None, "isDir": False}]},
        "genres": {"genre": [{"value": "Folk", "songCount": 2}]},
        "openSubsonicExtensions": [{"name": "formPost", "versions": [1, 2]}],
    }
)


def test_xml_has_attributes_elements_and_text():
    root = fromstring(in_xml(ANSWER))
    inside = {"": "http://subsonic.org/restapi"}

    assert root.tag == "{http://subsonic.org/restapi}subsonic-response"
    assert (root.get("status"), root.get("version"), root.get("openSubsonic")) == ("ok", "1.16.1", "true")
    album = root.find("albumList2/album", inside)
    assert album.attrib == {"id": "al-1", "name": "Tide & <Time>", "isDir": "false"}
    genre = root.find("genres/genre", inside)
    assert (genre.text, genre.attrib) == ("Folk", {"songCount": "2"})
    assert [each.text for each in root.findall("openSubsonicExtensions/versions", inside)] == ["1", "2"]


def test_json_has_the_same_members_without_empty_ones():
    answer = json.loads(in_json(ANSWER))["subsonic-response"]

    assert answer["status"] == "ok"
    assert answer["openSubsonic"] is True
    assert answer["albumList2"]["album"] == [{"id": "al-1", "name": "Tide & <Time>\x0b", "isDir": False}]
    assert answer["genres"]["genre"] == [{"value": "Folk", "songCount": 2}]


def test_an_error_has_its_number_in_both():
    answer = failed(ProtocolError(70, "Gone."))

    assert json.loads(in_json(answer))["subsonic-response"]["error"] == {"code": 70, "message": "Gone."}
    error = fromstring(in_xml(answer)).find("{http://subsonic.org/restapi}error")
    assert error.attrib == {"code": "70", "message": "Gone."}
