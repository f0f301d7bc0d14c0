"""Who sends a stored file to the client: the application, its proxy, the store, its CDN, or a plugin."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from autonomy_core.files import cloudfront
from autonomy_core.files.area import FileArea
from autonomy_core.files.places import Place, endpoint_of, own_store, storage_of_place
from autonomy_core.files.presigning import Signer
from autonomy_core.files.services import ServedFile, require_own
from autonomy_core.kernel.checks import Finding
from autonomy_core.kernel.delivery import DeliveredFile, FileDelivery, Handover, Redirect, SentByProxy
from autonomy_core.kernel.runtime import Runtime, runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.reading import read_text
from autonomy_core.tenancy.stores import (
    BY_NGINX,
    BY_REDIRECT,
    BY_SENDFILE,
    BY_SERVER,
    DEFAULT_REGION,
    OWN_DIRECTORIES,
    StoreSettings,
)
from autonomy_core.tenancy.validation import did_you_mean


class Nginx:
    """Delivery by nginx, from an internal location (X-Accel-Redirect)."""

    name = BY_NGINX

    def hand_over(self, scope: TenantScope, file: DeliveredFile) -> Handover | None:
        """The path of the file below ``autonomy.files.accel_prefix``. See `FileDelivery`."""
        settings = scope.server.files
        # nginx has the files of the present store only.
        if settings.accel_prefix is None or file.local is None or file.store != settings.store.url:
            return None
        return SentByProxy({"X-Accel-Redirect": settings.accel_prefix + file.path})


class Sendfile:
    """Delivery by a proxy on the same machine that opens the file by its path (X-Sendfile)."""

    name = BY_SENDFILE

    def hand_over(self, scope: TenantScope, file: DeliveredFile) -> Handover | None:
        """The absolute path of the file, percent-encoded. See `FileDelivery`."""
        settings = scope.server.files
        # A proxy that does not know the header would send an empty file, and the path to the client.
        if settings.delivery != BY_SENDFILE or file.local is None or file.store != settings.store.url:
            return None
        return SentByProxy({"X-Sendfile": quote(str(file.local.absolute()))})


class SignedUrl:
    """Delivery by the store of the file, or by its CDN, with a URL that is valid for a while."""

    name = BY_REDIRECT

    def hand_over(self, scope: TenantScope, file: DeliveredFile) -> Handover | None:
        """The signed URL; None if the store of the file has none. See `FileDelivery`."""
        store = file._settings  # noqa: SLF001 - private to plugins
        if store is None or not store.has_signed_urls:
            return None
        answered = {
            "response-content-disposition": file.disposition,
            "response-content-type": file.media_type,
        }
        if store.cdn_url is not None:
            return Redirect(_cdn_url(store, file, answered))
        return Redirect(_s3_url(store, file, answered))


DELIVERIES: Final[tuple[FileDelivery, ...]] = (Nginx(), Sendfile(), SignedUrl())
"""The deliveries of the core, besides `BY_SERVER`."""

NAMES: Final = (BY_SERVER, *(delivery.name for delivery in DELIVERIES))
"""The names that no plugin may use."""


def _s3_url(store: StoreSettings, file: DeliveredFile, answered: Mapping[str, str]) -> str:
    assert store.access_key is not None  # noqa: S101 - the settings require both keys
    assert store.secret_key is not None  # noqa: S101
    region = store.region or DEFAULT_REGION
    signer = Signer(store.access_key.reveal(), store.secret_key.reveal(), region)
    base = endpoint_of(store, public=True)
    if store.path_style:
        base = f"{base}/{store.bucket}"
    return signer.presigned(f"{base}/{file.path}", datetime.now(UTC), file.seconds, answered)


def _cdn_url(store: StoreSettings, file: DeliveredFile, answered: Mapping[str, str]) -> str:
    assert store.cdn_key_id is not None  # noqa: S101 - the settings require all three keys
    assert store.cdn_private_key is not None  # noqa: S101
    url = f"{store.cdn_url}/{file.path}?{urlencode(answered, quote_via=quote)}"
    expires = int(time.time()) + file.seconds
    return cloudfront.signed(url, expires, store.cdn_key_id, store.cdn_private_key.reveal())


@dataclass(frozen=True, slots=True)
class Found:
    """The place of a file that another server may send.

    Attributes:
        place: where it is.
        etag: the entity tag with which that place sends the file, with its quotes; None for that of the
            application.
    """

    place: Place
    etag: str | None


def delivery_of(scope: TenantScope) -> FileDelivery | None:
    """The delivery that the ini files select; None if the application sends the files."""
    name = _selected(scope)
    return None if name == BY_SERVER else runtime_of(scope).deliveries_for(scope.organisation).get(name)


def find(scope: TenantScope, area: FileArea, file: ServedFile) -> Found | None:
    """Find a file in the stores, in the order in which they are read.

    Returns:
        None if the area has a storage of its own.

    Raises:
        FileNotFoundError: no store has it.
        OSError: a store cannot be asked, or the file has another size than its row says.
        BadKey: the file belongs to another organisation.
    """
    require_own(scope, file.key)
    if area.make_storage is not None:
        return None
    for place in area.places(scope.server, own_store(scope.organisation)):
        try:
            facts = storage_of_place(place).facts(file.key)
        except FileNotFoundError:
            continue
        if facts.size != file.size:
            raise OSError(f"the file has {facts.size} bytes, and its row says {file.size}")
        return Found(place, facts.etag)
    raise FileNotFoundError(file.key)


def hand_over(
    scope: TenantScope, delivery: FileDelivery, place: Place, file: ServedFile, disposition: str
) -> Handover | None:
    """Ask a delivery for the way to a file that was found.

    Args:
        disposition: the Content-Disposition of the answer.
    """
    root = place.root
    prefix = place.prefix if place.store.is_remote else f"{place.plugin}/{place.area}"
    return delivery.hand_over(
        scope,
        DeliveredFile(
            path=f"{prefix}/{file.key}",
            local=None if root is None else root / file.key,
            size=file.size,
            media_type=file.media_type,
            disposition=disposition,
            seconds=scope.server.files.url_seconds,
            store=place.store.url,
            _settings=place.store,
        ),
    )


def delivery_findings(runtime: Runtime, organisation: Organisation) -> Iterator[Finding]:
    """What keeps an organisation's delivery from working. The application then sends the files itself."""
    name = organisation.settings.get("files", {}).get("delivery")
    problem = None if name in {None, BY_SERVER} else _problem(runtime, organisation, str(name))
    if problem is not None:
        message, remedy = problem
        yield Finding("delivery_unusable", "error", f"{_where(organisation)}{message}", remedy)


def _selected(scope: TenantScope) -> str:
    return str(scope.organisation.settings.get("files", {}).get("delivery") or scope.server.files.delivery)


def _problem(runtime: Runtime, organisation: Organisation, name: str) -> tuple[str, str] | None:
    known = runtime.deliveries_for(organisation)
    if name not in known:
        return f"no delivery is called {name!r}", did_you_mean(name, {BY_SERVER, *known})
    settings = runtime.settings.files
    store = own_store(organisation) or settings.store
    if name == BY_NGINX and settings.accel_prefix is None:
        remedy = f"set autonomy.files.accel_prefix in the server's ini file, or write {BY_SERVER}"
        return f"delivery = {name}, and the server does not say where nginx has the files", remedy
    if name == BY_SENDFILE and settings.delivery != BY_SENDFILE:
        remedy = f"set autonomy.files.delivery = {name} in the server's ini file, or write {BY_SERVER}"
        return f"delivery = {name}, and the server does not say that its proxy reads X-Sendfile", remedy
    if name in {BY_NGINX, BY_SENDFILE} and store.is_remote:
        return f"delivery = {name}, and {store.url} is no directory", f"write {BY_REDIRECT} or {BY_SERVER}"
    if name == BY_REDIRECT and not store.has_signed_urls:
        where = "the directories of the server" if store.url == OWN_DIRECTORIES else store.url
        remedy = f"write {BY_SERVER}, or use a store at s3:// with keys, or a CDN"
        return f"delivery = {name}, and there are no signed URLs for {where}", remedy
    return None


def _where(organisation: Organisation) -> str:
    """File and line of the key, as far as the file has it."""
    path = organisation.source
    text = read_text(path)
    section = parse(path, text).sections.get("files") if isinstance(text, str) else None
    entry = section.entries.get("delivery") if section else None
    return f"{path}:{entry.line}: " if entry else ""
