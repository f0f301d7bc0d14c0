"""Plays a library with libsonic, the oldest client library of Subsonic: a process of its own.

Its arguments are the address of the server, the port, the path with ``rest``, a user name and a password. It
prints what it found, as JSON.
"""

import hashlib
import json
import sys

from libsonic import Connection
from libsonic.errors import CredentialError

address, port, path, username, password = sys.argv[1:]
player = Connection(address, username, password, port=int(port), serverPath=path, appName="classic")
found = {"ping": player.ping(), "licence": player.getLicense()["license"]["valid"]}
(album,) = player.getAlbumList2("newest")["albumList2"]["album"]
(song,) = player.getAlbum(album["id"])["album"]["song"]
found["titles"] = [album["name"], song["title"]]
found["streamed"] = hashlib.sha256(player.stream(song["id"]).read()).hexdigest()
found["downloaded"] = hashlib.sha256(player.download(song["id"]).read()).hexdigest()
player.createPlaylist(name="From afar", songIds=[song["id"]])
(playlist,) = player.getPlaylists()["playlists"]["playlist"]
player.updatePlaylist(playlist["id"], songIdsToAdd=[song["id"]])
found["playlist"] = [playlist["name"], len(player.getPlaylist(playlist["id"])["playlist"]["entry"])]
player.star(sids=[song["id"]])
found["starred"] = [each["id"] == song["id"] for each in player.getStarred2()["starred2"]["song"]]
player.scrobble(song["id"])
try:
    Connection(address, username, "wrong", port=int(port), serverPath=path).getLicense()
except CredentialError:
    found["wrong password"] = "refused"
print(json.dumps(found))
