"""What becomes of masters: visitors hear previews, buyers download files and listen in a player."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import miniaudio

from autonomy_core.plugin_api.media import find_ffmpeg
from demo import music
from demo.client import Client
from demo.id3 import cover_png
from demo.places import Places
from demo.processes import DemoError
from demo.shop import Release, staff_key
from demo.stage import Stage

MADE_WITHIN_S = 120
TUS = {"Tus-Resumable": "1.0.0"}


def master(places: Places, piece: music.Piece) -> Path:
    """Return the FLAC file of a piece, and create it if it is missing.

    Raises:
        DemoError: there is no ffmpeg.
    """
    path = places.directory / "music" / f"{piece.title}.flac"
    if not path.exists():
        program = find_ffmpeg()
        if program is None:
            raise DemoError("ffmpeg is missing: pip install 'autonomy-server[formats]'")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished.flac")
        pcm = ("-f", "s16le", "-ar", str(music.SAMPLE_RATE), "-ac", "2", "-i", "pipe:0")
        command = [str(program), "-v", "error", "-y", *pcm, str(unfinished)]
        subprocess.run(command, input=music.synthesise(piece).tobytes(), check=True)
        unfinished.replace(path)
    return path


class MasterStory:
    """The steps of a release whose masters are FLAC files.

    Args:
        stage: where the story happens.
        release: what the shop sells.
    """

    def __init__(self, stage: Stage, release: Release) -> None:
        self._stage = stage
        self._release = release
        self._product = stage.products[release.shop]

    def prepare(self) -> None:
        """Let staff upload what is missing, and a visitor hear it.

        Raises:
            DemoError: a step failed.
        """
        staff = self._stage.client(self._release.shop)
        staff.authorize(staff_key(self._stage.places, self._stage.processes, self._release.shop))
        self._step("staff upload a cover, and FLAC masters by tus")
        # First, because the worker writes it into each file.
        cover = cover_png(self._release.pieces[0].colour, size=600)
        files = {"file": ("cover.png", cover, "image/png")}
        staff.call("PUT", f"admin/products/{self._product}/cover", files=files)
        tracks = f"admin/products/{self._product}/tracks"
        uploaded = {track["title"] for track in staff.call("GET", tracks).json()["items"]}
        for piece in self._release.pieces:
            if piece.title not in uploaded:
                upload = self._upload(staff, master(self._stage.places, piece))
                form = {"upload": (None, upload), "title": (None, piece.title)}
                staff.call("POST", tracks, (201,), files=form)
        self._wait_for_the_worker(staff, f"{tracks}/formats")
        self._step("a visitor hears a preview")
        self._hear_preview()

    def enjoy(self, customer: Client) -> None:
        """Let a buyer download everything, and listen in a player.

        Raises:
            DemoError: a step failed, or a file is not what was sold.
        """
        self._step("downloads MP3, FLAC and a ZIP")
        self._download_tracks(customer)
        self._download_archive(customer)
        self._step("an OpenSubsonic player lists and plays the album")
        self._play(customer)

    def _step(self, title: str) -> None:
        self._stage.step(f"{self._release.shop}: {title}")

    def _upload(self, staff: Client, path: Path) -> str:
        """Upload a file in two parts; return the id of the upload."""
        content = path.read_bytes()
        name = base64.b64encode(path.name.encode()).decode()
        begin = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
        url = staff.call("POST", "admin/uploads", (201,), headers=begin).headers["Location"]
        self._add(staff, url, content[: len(content) // 2], 0)
        # The server knows where an interrupted upload continues.
        offset = int(staff.call("HEAD", url, headers=TUS).headers["Upload-Offset"])
        self._add(staff, url, content[offset:], offset)
        return url.rpartition("/")[2]

    def _add(self, staff: Client, url: str, part: bytes, offset: int) -> None:
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        staff.call("PATCH", url, (204,), headers=headers, data=part)

    def _wait_for_the_worker(self, staff: Client, path: str) -> None:
        deadline = time.monotonic() + MADE_WITHIN_S
        while waiting := [file for file in staff.peek(path)["items"] if file["state"] != "ready"]:
            if time.monotonic() > deadline or any(file["state"] == "failed" for file in waiting):
                raise DemoError(f"The worker has not made the files: {waiting}")
            self._stage.processes.check()
            time.sleep(0.2)
        made = staff.call("GET", path).json()["items"]
        self._stage.narrator.remark(
            f"the worker has made {', '.join(sorted({file['title'] for file in made}))}"
        )

    def _hear_preview(self) -> None:
        visitor = self._stage.client(self._release.shop)
        track = visitor.call("GET", f"products/{self._product}").json()["tracks"][0]
        heard = visitor.call("GET", track["preview_url"])
        heard_s, whole_s = _duration_s(heard.content), track["duration_ms"] / 1000
        self._stage.narrator.remark(f"{track['title']}: {heard_s:.1f} of {whole_s:.1f} seconds")

    def _download_tracks(self, customer: Client) -> None:
        masters = {piece.title: master(self._stage.places, piece) for piece in self._release.pieces}
        for track in customer.call("GET", f"customers/products/{self._product}/tracks").json()["items"]:
            for made in track["formats"]:
                content = customer.call("GET", made["download_url"]).content
                told = f"{track['title']}: {made['title']}, {len(content):,} bytes"
                if made["lossless"]:
                    _require_same_samples(content, masters[track["title"]])
                    told += ", sample for sample the master"
                self._stage.narrator.remark(told)

    def _download_archive(self, customer: Client) -> None:
        archives = customer.call("GET", f"customers/products/{self._product}/archives").json()["items"]
        flac = next(archive for archive in archives if archive["name"] == "flac")
        content = customer.call("GET", flac["download_url"]).content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if damaged := archive.testzip():
                raise DemoError(f"{damaged} is damaged in the ZIP file.")
            names = [name.rpartition("/")[2] for name in archive.namelist()]
        self._stage.narrator.remark(f"{len(content):,} bytes: {', '.join(names)}")

    def _play(self, customer: Client) -> None:
        device = customer.call("POST", "customers/app-passwords", (201,), json={"name": "Phone"}).json()
        player = Client(f"{self._stage.places.server}/{self._release.shop}/rest", self._stage.narrator)
        salt = secrets.token_hex(8)
        token = hashlib.md5(f"{device['password']}{salt}".encode(), usedforsecurity=False).hexdigest()
        who = {"u": device["username"], "t": token, "s": salt, "v": "1.16.1", "c": "demo", "f": "json"}

        def ask(call: str, **query: str) -> dict[str, Any]:
            answer: dict[str, Any] = player.call("GET", call, params={**who, **query}).json()
            if answer["subsonic-response"]["status"] != "ok":
                raise DemoError(f"{call}: {answer}")
            return dict(answer["subsonic-response"])

        ask("ping")
        (album,) = ask("getAlbumList2", type="newest")["albumList2"]["album"]
        songs = ask("getAlbum", id=album["id"])["album"]["song"]
        for song in songs:
            played = player.call("GET", "stream", params={**who, "id": song["id"]})
            self._stage.narrator.remark(
                f"{song['artist']} - {song['title']}: {len(played.content):,} bytes of "
                f"{played.headers['Content-Type']}"
            )


def _duration_s(content: bytes) -> float:
    decoded = miniaudio.decode(content)
    return decoded.num_frames / decoded.sample_rate


def _require_same_samples(content: bytes, original: Path) -> None:
    if miniaudio.decode(content).samples != miniaudio.decode(original.read_bytes()).samples:
        raise DemoError(f"{original.stem}: the samples are not those of the master.")
