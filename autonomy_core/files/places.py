"""From the settings to a storage: `Place` is one area's part of a store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from autonomy_core.files.breaker import Breaker
from autonomy_core.files.layered import LayeredStorage
from autonomy_core.files.object_storage import ObjectStorage, failing_as_os_error
from autonomy_core.files.storage import Storage
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.stores import DEFAULT_REGION, OWN_DIRECTORIES, StoreSettings, store_of

_CONNECT_S: Final = 5
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one area are in one store.

    Attributes:
        store: the store.
        plugin: the plugin of the area.
        area: its name. Plugin and name are the first parts of the path in a store, so areas keep apart.
        directory: the area's directory, which is the place if the store is `OWN_DIRECTORIES`.
        timeout: the maximum time for one request to a remote store, in seconds.
    """

    store: StoreSettings
    plugin: str
    area: str
    directory: Path
    timeout: int

    @property
    def prefix(self) -> str:
        """The path within the bucket, without a slash at the end."""
        return "/".join(filter(None, (self.store.path, self.plugin, self.area)))

    @property
    def root(self) -> Path | None:
        """The directory of the files; None if the store is another server."""
        if self.store.is_remote:
            return None
        if self.store.url == OWN_DIRECTORIES:
            return self.directory
        return Path(self.store.path, self.plugin, self.area)

    def __str__(self) -> str:
        """A URL for messages. It contains no key."""
        if self.root is not None:
            return self.root.absolute().as_uri()
        return f"{self.store.scheme}://{self.store.bucket}/{self.prefix}"


def own_store(organisation: Organisation) -> StoreSettings | None:
    """The store of an organisation's own, by its section ``[files]``."""
    values = organisation.settings.get("files") or {}
    return store_of(values) if values.get("url") else None


@lru_cache(maxsize=256)
def storage_at(places: tuple[Place, ...]) -> Storage:
    """The storage that writes to the first place, and reads from all of them in turn."""
    storages = [storage_of_place(place) for place in places]
    return storages[0] if len(storages) == 1 else LayeredStorage(storages)


@lru_cache(maxsize=256)
def storage_of_place(place: Place) -> ObjectStorage:
    """The storage of one place alone.

    Raises:
        OSError: the store cannot be used with these settings, for example because a key has a wrong form.
    """
    if place.root is not None:
        return ObjectStorage.in_directory(place.root)
    try:
        store = _remote(place)
    except BaseError as error:
        # Not chained, because the error may quote a key.
        raise failing_as_os_error(error) from None
    return ObjectStorage(store, breaker=breaker_of(place.store))


@lru_cache(maxsize=256)
def breaker_of(_: StoreSettings) -> Breaker:
    """The breaker of a store: one for all its areas, since they fail together."""
    return Breaker()


def _remote(place: Place) -> ObjectStore:
    timeout = timedelta(seconds=place.timeout)
    options: dict[str, Any] = {
        "prefix": place.prefix,
        "client_options": {
            "timeout": timeout,
            "connect_timeout": timedelta(seconds=min(_CONNECT_S, place.timeout)),
            "allow_http": (place.store.endpoint or "").startswith("http:"),
        },
        # A request that was not answered within the timeout is not repeated; a broken connection is.
        "retry_config": {"max_retries": _TRIES - 1, "retry_timeout": timeout},
    }
    match place.store.scheme:
        case "s3":
            return _s3(place.store, options)
        case "gs":
            return _gs(place.store, options)
    return _az(place.store, options)


def _s3(store: StoreSettings, options: dict[str, Any]) -> ObjectStore:
    region = store.region or DEFAULT_REGION
    config: Any = {"region": region, "virtual_hosted_style_request": not store.path_style}
    if store.endpoint is not None:
        config["endpoint"] = endpoint_of(store)
    if store.access_key is None or store.secret_key is None:
        return S3Store(store.bucket, config=config, **options)
    # By a function, because obstore would mix keys of a configuration with those of the environment.
    keys: Any = {
        "access_key_id": store.access_key.reveal(),
        "secret_access_key": store.secret_key.reveal(),
        "expires_at": None,
    }
    config["endpoint"] = endpoint_of(store)
    return S3Store(store.bucket, config=config, credential_provider=lambda: keys, **options)


def endpoint_of(store: StoreSettings, *, public: bool = False) -> str:
    """The address of an S3 server, with the bucket as a part of the host if the requests are of that style.

    Args:
        store: the store.
        public: whether it is for clients, and not for the server.
    """
    address = (store.public_endpoint if public else None) or store.endpoint
    address = address or f"https://s3.{store.region or DEFAULT_REGION}.amazonaws.com"
    if store.path_style:
        return address
    scheme, _, host = address.partition("://")
    return f"{scheme}://{store.bucket}.{host}"


def _gs(store: StoreSettings, options: dict[str, Any]) -> ObjectStore:
    config: Any = {"service_account_key": store.secret_key.reveal()} if store.secret_key else {}
    return GCSStore(store.bucket, config=config, **options)


def _az(store: StoreSettings, options: dict[str, Any]) -> ObjectStore:
    if store.access_key is None or store.secret_key is None:
        return AzureStore(store.bucket, **options)
    config: Any = {"account_name": store.access_key.reveal(), "account_key": store.secret_key.reveal()}
    return AzureStore(store.bucket, config=config, **options)
