"""A client of the tus protocol, for tests."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.functional.media_mp3.shop import Shop

VERSION = {"Tus-Resumable": "1.0.0"}
STREAM = {"Content-Type": "application/offset+octet-stream"}


GIGABYTE = 1024**3


def encoded(value):
    return base64.b64encode(value).decode()


def checksum(algorithm, content):
    return {"Upload-Checksum": f"{algorithm} {encoded(hashlib.new(algorithm, content).digest())}"}


def limited_shop(autonomy, organisation_id="acme", **limits):
    """A shop with limits of the section ``[files]``."""
    autonomy.organisation(
        organisation_id,
        plugins=("media_mp3", "stand_ins"),
        settings={"files": {name: str(value) for name, value in limits.items()}},
    )
    return Shop(autonomy, organisation_id)


@dataclass
class Uploads:
    """The uploads of a shop, as its staff see them."""

    shop: Shop

    @property
    def path(self):
        return f"{self.shop.api}/admin/uploads"

    def request(self, method, path, body=b"", status=None, **headers):
        return self.shop.autonomy.app.request(
            path,
            method=method,
            body=body,
            headers={**self.shop.staff, **VERSION, **{k.replace("_", "-"): v for k, v in headers.items()}},
            status=status,
        )

    def begin(self, length, status=201, **headers):
        """Begin an upload; gives its path."""
        answer = self.request("POST", self.path, status=status, Upload_Length=str(length), **headers)
        return urlsplit(answer.location).path if status == 201 else answer

    def send(self, path, offset, body, status=204, **headers):
        more = {**STREAM, "Upload-Offset": str(offset), **headers}
        return self.request("PATCH", path, body, status, **more)

    def offset(self, path):
        return int(self.request("HEAD", path, status=200).headers["Upload-Offset"])

    def whole(self, content, **headers):
        """Upload a file in two parts; gives its path."""
        path = self.begin(len(content), **headers)
        half = len(content) // 2
        self.send(path, 0, content[:half])
        self.send(path, half, content[half:])
        return path

    def use(self, product, path, status=201, **fields):
        """Make a track of an upload."""
        return self.shop.autonomy.app.post(
            f"{self.shop.api}/admin/products/{product.id}/tracks",
            {"upload": path.rpartition("/")[2], **fields},
            content_type="multipart/form-data",
            headers=self.shop.staff,
            status=status,
        ).json

    def usage(self):
        return self.shop.autonomy.app.get(f"{self.path}/usage", headers=self.shop.staff).json
