"""Where files are stored: the keys ``autonomy.files.…`` of the server and ``[files]`` of organisations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from marshmallow import ValidationError, fields

from autonomy_core.tenancy.fields import ProblemMessage
from autonomy_core.tenancy.secrets import Secret

OWN_DIRECTORIES: Final = "directory:"
"""The URL of the default: each plugin keeps its files in a directory of its own."""

BY_SERVER: Final = "server"
"""The delivery without another server: the application sends the files."""

BY_NGINX: Final = "accel"
"""The delivery by nginx, with X-Accel-Redirect."""

BY_SENDFILE: Final = "sendfile"
"""The delivery by lighttpd, Apache and others, with X-Sendfile."""

BY_REDIRECT: Final = "redirect"
"""The delivery by the store or its CDN, with signed URLs."""

STORE_KEYS: Final = (
    "url",
    "endpoint",
    "region",
    "path_style",
    "access_key",
    "secret_key",
    "public_endpoint",
    "cdn_url",
    "cdn_key_id",
    "cdn_private_key",
)
"""The keys that describe a store: of ``[files]``, ``autonomy.files.…`` and ``autonomy.files.previous_…``."""

SECRET_STORE_KEYS: Final = ("access_key", "secret_key", "cdn_private_key")
"""Those that refer to a secret."""

REMOTE: Final = ("s3", "gs", "az")
"""The schemes of stores that are other servers."""

DEFAULT_REGION: Final = "us-east-1"

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_KEY_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_REMEDY: Final = "give s3://bucket/prefix, file:///srv/files or directory:"
_REMOTE_REMEDY: Final = "give s3://bucket/prefix"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """A place for files, and the account that reads and writes there.

    Attributes:
        url: ``directory:``, ``file:///srv/files``, ``s3://bucket/prefix``, ``gs://…`` or ``az://…``.
        endpoint: the address of an S3 server; None for that of AWS in the region.
        region: of the bucket; None for `DEFAULT_REGION`.
        path_style: whether the bucket is in the path of requests, and not in the name of the host.
        access_key: the id of the key, or the name of an account of Azure; None to take what the environment
            of the process offers.
        secret_key: the key itself; for ``gs`` the JSON of a service account.
        public_endpoint: the address at which clients reach the S3 server; None for ``endpoint``.
        cdn_url: the address of a CDN in front of the store, without a path; None for none.
        cdn_key_id: the id of the key with which URLs of the CDN are signed.
        cdn_private_key: that key, as PEM.
    """

    url: str = OWN_DIRECTORIES
    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False
    access_key: Secret | None = None
    secret_key: Secret | None = None
    public_endpoint: str | None = None
    cdn_url: str | None = None
    cdn_key_id: str | None = None
    cdn_private_key: Secret | None = None

    @property
    def scheme(self) -> str:
        """The part of the URL before the colon."""
        return self.url.partition(":")[0]

    @property
    def is_remote(self) -> bool:
        """Whether the store is another server."""
        return self.scheme in REMOTE

    @property
    def bucket(self) -> str:
        """The bucket or container of a remote store."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """The prefix in a bucket, or the path of a directory, without slashes at the end."""
        path = urlsplit(self.url).path.rstrip("/")
        return path.lstrip("/") if self.is_remote else path

    @property
    def has_signed_urls(self) -> bool:
        """Whether URLs can be made that open a file for a while."""
        return self.cdn_url is not None or (self.scheme == "s3" and self.secret_key is not None)


@dataclass(frozen=True, slots=True)
class FilesSettings:
    """The keys ``autonomy.files.…``.

    Attributes:
        store: where new files are written.
        previous: where files are still read that are not in ``store``; None for nowhere.
        timeout: the maximum time for one request to a remote store, in seconds.
        delivery: who sends files to clients, for organisations that say nothing else.
        accel_prefix: the path at which nginx keeps the files of ``store``, with a slash at both ends; None if
            no nginx does.
        url_seconds: for how long a URL opens a file that another server sends, in seconds.
        upload_hours: for how long an upload waits for its next part, or to be used, in hours.
    """

    store: StoreSettings = field(default_factory=StoreSettings)
    previous: StoreSettings | None = None
    timeout: int = 20
    delivery: str = BY_SERVER
    accel_prefix: str | None = None
    url_seconds: int = 900
    upload_hours: int = 24


class StoreUrlField(fields.String):
    """The URL of a store. See `StoreSettings.url`.

    Args:
        remote_only: whether only other servers are accepted. An organisation's file must not name directories
            of this machine.
        options: further arguments of `marshmallow.fields.String`.
    """

    def __init__(self, *, remote_only: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._remote_only = remote_only

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        url = str(super()._deserialize(value, attr, data, **kwargs))
        problem = _problem_of_url(url)
        if problem is None and self._remote_only and url.partition(":")[0] not in REMOTE:
            problem = "no store of an organisation's own"
        if problem is not None:
            # Without the value, which may contain a password.
            remedy = _REMOTE_REMEDY if self._remote_only else _REMEDY
            raise ValidationError(ProblemMessage(problem, code="invalid_value", remedy=remedy))
        return url


class EndpointField(fields.String):
    """The address of a server, without a path.

    It is loaded as clients write it into ``Host``, which is signed: the host in lower case, and no default
    port.
    """

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        origin = _origin(str(super()._deserialize(value, attr, data, **kwargs)))
        if origin is None:
            remedy = "give https://host or https://host:port; the keys belong into keys of their own"
            message = ProblemMessage("not the address of a server", code="invalid_value", remedy=remedy)
            raise ValidationError(message)
        return origin


class DeliveryField(fields.String):
    """The name of a delivery. Which ones there are depends on the plugins."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        name = str(super()._deserialize(value, attr, data, **kwargs))
        if not _NAME.fullmatch(name):
            names = f"{BY_SERVER}, {BY_NGINX}, {BY_SENDFILE}, {BY_REDIRECT}"
            remedy = f"give {names}, or the name of a plugin's delivery"
            raise ValidationError(
                ProblemMessage("not the name of a delivery", code="invalid_value", remedy=remedy)
            )
        return name


class KeyIdField(fields.String):
    """The id of a key at a CDN. It is a part of every signed URL, and so no secret."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        key_id = str(super()._deserialize(value, attr, data, **kwargs))
        if not _KEY_ID.fullmatch(key_id):
            remedy = "give the id that the CDN shows, such as K2JCJMDEHXQW5F"
            raise ValidationError(ProblemMessage("not the id of a key", code="invalid_value", remedy=remedy))
        return key_id


class RegionField(fields.String):
    """The region of a bucket."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        region = str(super()._deserialize(value, attr, data, **kwargs))
        if not _REGION.fullmatch(region):
            remedy = "give a name such as eu-central-1"
            raise ValidationError(ProblemMessage("not a region", code="invalid_value", remedy=remedy))
        return region


def require_fitting_keys(values: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Check the keys of a store against each other.

    Args:
        values: the loaded values of `STORE_KEYS`; None for those that the file does not have.
        names: the names of the keys in the file, by the names above.

    Raises:
        ValidationError: by the names in the file.
    """
    found = {names[key]: [message] for key, message in _misfits(values, names)}
    if found:
        raise ValidationError(found)


def store_of(values: Mapping[str, Any]) -> StoreSettings:
    """A store from values that `require_fitting_keys` has checked, with `Secret` values for the keys."""
    endpoint, path_style = values.get("endpoint"), values.get("path_style")
    return StoreSettings(
        url=values.get("url") or OWN_DIRECTORIES,
        endpoint=endpoint,
        region=values.get("region"),
        # Servers other than AWS rarely have a name in the DNS for each bucket.
        path_style=endpoint is not None if path_style is None else path_style,
        access_key=values.get("access_key"),
        secret_key=values.get("secret_key"),
        public_endpoint=values.get("public_endpoint"),
        cdn_url=values.get("cdn_url"),
        cdn_key_id=values.get("cdn_key_id"),
        cdn_private_key=values.get("cdn_private_key"),
    )


def _misfits(values: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, ProblemMessage]]:
    scheme = (values["url"] or OWN_DIRECTORIES).partition(":")[0]
    for key in ("endpoint", "region", "path_style", "public_endpoint"):
        if values[key] is not None and scheme != "s3":
            yield key, _misfit(f"only a store at s3:// has a {key}", f"remove it, or correct {names['url']}")
    given = [key for key in ("access_key", "secret_key") if values[key] is not None]
    for key in given if scheme not in REMOTE else ():
        yield key, _misfit("a key for a directory", f"remove it, or correct {names['url']}")
    needs_both = scheme in {"s3", "az"} and len(given) == 1
    for key in {"access_key", "secret_key"} - set(given) if needs_both else ():
        yield key, _misfit(f"needed with {names[given[0]]}", "give both keys")
    if scheme == "gs" and "access_key" in given:
        remedy = f"give the JSON of the service account as {names['secret_key']} only"
        yield "access_key", _misfit("no key of a store at gs://", remedy)
    yield from _misfits_of_cdn(values, names)


def _misfits_of_cdn(
    values: Mapping[str, Any], names: Mapping[str, str]
) -> Iterator[tuple[str, ProblemMessage]]:
    keys = ("cdn_url", "cdn_key_id", "cdn_private_key")
    given = [key for key in keys if values[key] is not None]
    if given and (values["url"] or OWN_DIRECTORIES) == OWN_DIRECTORIES:
        remedy = f"correct {names['url']}, or remove the keys of the CDN"
        yield given[0], _misfit("a CDN needs a store that it can read", remedy)
    for key in keys if given else ():
        if key not in given:
            yield key, _misfit(f"needed with {names[given[0]]}", "give all three keys of the CDN")
    private_key = values["cdn_private_key"]
    if isinstance(private_key, Secret) and not _is_rsa_key(private_key.reveal()):
        yield "cdn_private_key", _misfit("not an RSA key", "give a PEM file with a private RSA key")


def _is_rsa_key(pem: str) -> bool:
    try:
        return isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _misfit(message: str, remedy: str) -> ProblemMessage:
    return ProblemMessage(message, code="invalid_value", remedy=remedy)


def _problem_of_url(url: str) -> str | None:
    if url == OWN_DIRECTORIES:
        return None
    try:
        parts = urlsplit(url)
        # `urlsplit` removes line breaks.
        is_store = parts.scheme in {"file", *REMOTE} and parts.port is None and url.isprintable()
    except ValueError:
        is_store = False
    if not is_store or not _PREFIX.fullmatch(parts.path):
        return "not the URL of a store"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "a URL with keys or options in it; write them as keys of their own"
    if parts.scheme == "file":
        is_path = url.startswith("file:///") and parts.path.strip("/") != ""
        return None if is_path else "not the absolute path of a directory"
    return None if _BUCKET.fullmatch(parts.netloc) else "not the name of a bucket"


def _origin(url: str) -> str | None:
    """Return scheme, host and port of a URL that has nothing else, without a default port; else None."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    has_more = parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0 or has_more:
        return None
    netloc = f"[{host}]" if ":" in host else host
    has_port = port is not None and port != _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{netloc}:{port}" if has_port else f"{parts.scheme}://{netloc}"
