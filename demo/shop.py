"""The preparation by a shop's staff: create products, and upload recordings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rich.progress import Progress

from autonomy_core.kernel.identity import SCOPES
from demo import music
from demo.places import SHOPS, Places, write_whole
from demo.processes import DemoError, Processes


@dataclass(frozen=True, slots=True)
class Release:
    """A product and its pieces.

    Attributes:
        amount: in the minor unit of the shop's currency.
        has_masters: whether staff upload FLAC files, of which the worker makes others, and not MP3 files.
    """

    shop: str
    title: str
    description: str
    amount: int
    pieces: tuple[music.Piece, ...]
    has_masters: bool = False


RELEASES = (
    Release(SHOPS[0], "First Light", "Two pieces by The Quiet Tide.", 900, music.PIECES[:2]),
    Release(SHOPS[1], "Looms", "Two pieces by Ada & the Looms.", 700, music.PIECES[2:4], has_masters=True),
)


def recording(places: Places, piece: music.Piece) -> Path:
    """Return the MP3 file of a piece, and create it if it is missing."""
    path = places.directory / "music" / f"{piece.title}.mp3"
    if not path.exists():
        write_whole(path, music.mp3(piece))
    return path


def staff_key(places: Places, processes: Processes, shop: str) -> str:
    """Return an API key of the shop's staff with all scopes.

    The key is stored for later runs. It is issued again only if the scopes have changed.
    """
    path = places.directory / f"staff-key-{shop}.json"
    if not path.exists() or set(_read(path)["scopes"]) != set(SCOPES):
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        issued = processes.autonomy("keys", "issue", shop, "--name", "demo", *scopes, "--json")
        write_whole(path, issued.encode(), mode=0o600)
    key: str = _read(path)["key"]
    return key


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def stock(places: Places, release: Release, key: str, progress: Progress) -> str:
    """Ensure that a shop has a release, and its MP3 files; return the product's id.

    Raises:
        DemoError: the server refuses a call.
    """
    staff = requests.Session()
    staff.headers["Authorization"] = f"Bearer {key}"
    products = f"{places.api(release.shop)}/admin/products"
    task = progress.add_task(f"{release.title} ({release.shop})", total=len(release.pieces) * 2)
    product_id = _product(staff, products, release)
    tracks = f"{products}/{product_id}/tracks"
    uploaded = {track["title"] for track in _checked(staff.get(tracks, timeout=30)).json()["items"]}
    for piece in () if release.has_masters else release.pieces:
        path = recording(places, piece)
        progress.advance(task)
        if piece.title not in uploaded:
            with path.open("rb") as file:
                _checked(staff.post(tracks, files={"file": (path.name, file, "audio/mpeg")}, timeout=120))
        progress.advance(task)
    return product_id


def _product(staff: requests.Session, products: str, release: Release) -> str:
    for known in _checked(staff.get(products, timeout=30)).json()["items"]:
        if known["title"] == release.title:
            return str(known["id"])
    new = {
        "title": release.title,
        "artist": release.pieces[0].artist,
        "description": release.description,
        "kind": "mp3",
        "amount": release.amount,
    }
    return str(_checked(staff.post(products, json=new, timeout=30)).json()["id"])


def _checked(response: requests.Response) -> requests.Response:
    if not response.ok:
        raise DemoError(
            f"{response.request.method} {response.request.url}: {response.status_code}: {response.text[:500]}"
        )
    return response
