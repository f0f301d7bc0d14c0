from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autonomy_core.tenancy.domain import LoadedFile
from autonomy_core.tenancy.loader import PluginSchemas, load_file
from autonomy_core.tenancy.registry import TenantRegistry
from tests.unit.autonomy_core.tenancy.material import ACME, BrokenSchema, CardsSchema


@pytest.fixture
def schemas() -> PluginSchemas:
    return {"cards": CardsSchema, "music": None, "broken": BrokenSchema}


@pytest.fixture
def acme() -> str:
    """The text of an ini file that is in order."""
    return ACME


@pytest.fixture
def load(tmp_path: Path, schemas: PluginSchemas) -> Callable[..., LoadedFile]:
    def write_and_load(text: str | bytes, name: str = "acme.ini") -> LoadedFile:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_file(path, schemas)

    return write_and_load


@pytest.fixture
def codes(load: Callable[..., LoadedFile]) -> Callable[..., list[tuple[int, str]]]:
    def lines_and_codes(text: str | bytes, name: str = "acme.ini") -> list[tuple[int, str]]:
        return [(problem.line, problem.code) for problem in load(text, name).problems]

    return lines_and_codes


@pytest.fixture
def registry(tmp_path: Path, schemas: PluginSchemas) -> Iterator[TenantRegistry]:
    """A registry of the tenants in `tmp_path`, without its thread unless a test starts it."""
    registry = TenantRegistry(tmp_path, schemas, poll_seconds=0.01)
    yield registry
    registry.stop()
