"""URLs that open one object of S3 for a while: Signature Version 4 in the query string. Pure.

obstore signs URLs without the parameters of the answer, so that the browser would not save the file under its
name. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

LONGEST_S: Final = 7 * 24 * 3600
"""The longest validity that S3 accepts, in seconds."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Signer:
    """An account of S3 in one region.

    Attributes:
        access_key: the id of the key.
        secret_key: the key.
        region: of the bucket.
    """

    access_key: str
    secret_key: str
    region: str

    def presigned(
        self,
        url: str,
        now: datetime,
        seconds: int,
        parameters: Mapping[str, str],
        *,
        method: str = "GET",
        headers: Mapping[str, str] = _NONE,
    ) -> str:
        """A URL that is good for one method: for GET of an object, with or without a range.

        Args:
            url: of the object, without a query. Its path is signed as it is.
            now: aware.
            seconds: for how long the URL is valid, at most `LONGEST_S`.
            parameters: further ones, for example ``response-content-disposition``.
            method: of the request.
            headers: those that the request must have besides ``Host``, with names in lower case.
        """
        parts = urlsplit(url)
        signed = {"host": parts.netloc, **headers}
        names = ";".join(sorted(signed))
        moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        day = moment[:8]
        range_of_key = f"{day}/{self.region}/s3/aws4_request"
        query = _query(
            {
                **parameters,
                "X-Amz-Algorithm": _ALGORITHM,
                "X-Amz-Credential": f"{self.access_key}/{range_of_key}",
                "X-Amz-Date": moment,
                "X-Amz-Expires": str(seconds),
                "X-Amz-SignedHeaders": names,
            }
        )
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = f"{method}\n{parts.path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"{_ALGORITHM}\n{moment}\n{range_of_key}\n{digest}"
        return f"{url}?{query}&X-Amz-Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"


def _query(parameters: Mapping[str, str]) -> str:
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
