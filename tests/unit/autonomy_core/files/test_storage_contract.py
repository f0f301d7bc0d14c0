"""Every backend of the core keeps the contract."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from autonomy_core.files.layered import LayeredStorage
from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.files.places import Place, storage_of_place
from autonomy_core.testing.storage_contract import StorageContract
from tests.support.s3_server import S3Server


class TestLocalDirectory(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> ObjectStorage:
        return ObjectStorage.in_directory(tmp_path / "made" / "on demand")


class TestMemory(StorageContract):
    @pytest.fixture
    def storage(self) -> ObjectStorage:
        return ObjectStorage(MemoryStore())


class TestWhileItMoves(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> LayeredStorage:
        return LayeredStorage([ObjectStorage(MemoryStore()), ObjectStorage.in_directory(tmp_path / "old")])


@pytest.mark.processes
class TestS3(StorageContract):
    @pytest.fixture
    def storage(self, s3: S3Server, tmp_path: Path) -> ObjectStorage:
        # A prefix of its own makes the storage an empty one.
        store = s3.store(f"shop/contract/{uuid.uuid4().hex}")
        return storage_of_place(Place(store, "scores", "parts", tmp_path, 20))
