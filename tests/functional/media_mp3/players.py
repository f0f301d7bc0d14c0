"""A player that speaks OpenSubsonic, with an app password of its own."""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import md5
from urllib.parse import urlencode
from uuid import UUID

from PIL import Image

from autonomy_core.plugin_api.models import utcnow
from media_mp3.loudness.models import TrackLoudness
from media_mp3.models import Track
from tests.functional.media_mp3.shop import Shop

SALT = "c19b2d"


def new_password(shop, name="Phone", headers=None, status=201):
    path = f"{shop.api}/customers/app-passwords"
    return shop.autonomy.app.post_json(
        path, {"name": name}, headers=headers or shop.as_ada, status=status
    ).json


def cover(shop, product, track_id=None, colour="teal"):
    """Give a product a cover, or a track of it."""
    written = io.BytesIO()
    Image.new("RGB", (400, 400), colour).save(written, "PNG")
    of = f"{product.id}/tracks/{track_id}" if track_id else product.id
    path = f"{shop.api}/admin/products/{of}/cover"
    shop.autonomy.app.put(path, headers=shop.staff, upload_files=[("file", "a.png", written.getvalue())])


def measured(shop, track_id, **values):
    """Have the loudness of a track measured: 8 dB louder than the reference, and the release 6 dB."""
    known = {"integrated_lufs": -10.0, "true_peak": 0.9, "album_lufs": -12.0, "album_peak": 0.95, **values}
    with shop.autonomy.scope(shop.id) as scope:
        track = scope.session.get_one(Track, (shop.id, UUID(track_id)))
        row = {"organisation_id": shop.id, "track_id": track.id, "master": track.sha256}
        scope.session.add(TrackLoudness(**row, measured_at=utcnow(), **known))


@dataclass
class Player:
    """A player of a customer.

    Attributes:
        made: the answer with the app password.
    """

    shop: Shop
    made: dict

    @classmethod
    def of(cls, shop, headers=None):
        return cls(shop, new_password(shop, headers=headers))

    @property
    def credentials(self):
        token = md5(f"{self.made['password']}{SALT}".encode()).hexdigest()
        return {"u": self.made["username"], "t": token, "s": SALT, "v": "1.16.1", "c": "test"}

    def url(self, name, /, **parameters):
        query = urlencode({**self.credentials, **parameters}, doseq=True)
        return f"/{self.shop.id}/rest/{name}?{query}"

    def get(self, name, /, *, status=200, headers=None, **parameters):
        """The response to a call."""
        return self.shop.autonomy.app.get(self.url(name, **parameters), status=status, headers=headers)

    def ask(self, name, /, **parameters):
        """The answer of a call that must work, without the envelope."""
        answer = self.get(name, f="json", **parameters).json["subsonic-response"]
        assert answer["status"] == "ok", answer
        return answer

    def refused(self, name, /, **parameters):
        """The number of the error of a call."""
        answer = self.get(name, f="json", **parameters).json["subsonic-response"]
        assert answer["status"] == "failed", answer
        return answer["error"]["code"]
