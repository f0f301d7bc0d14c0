"""Replace the registry of organisations of a test application, as a restart of the server does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.runtime import TENANT_INDEX
from autonomy_core.settings import rules_of
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.testing.application import Autonomy


def restart(autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch) -> TenantRegistry:
    """Replace the registry by one that knows only the files and the data directory.

    First the current registry writes its record and index, as its thread does within a second.
    """
    runtime = runtime_of(autonomy.app.app.registry)
    runtime.tenants._write_record()
    runtime.tenants._write_index()
    offered = dict(runtime.plugins.registered("register_settings"))
    schemas = {name: offered.get(name, PluginSettings()).organisation for name in runtime.plugins.names}
    settings = runtime.settings
    begun = TenantRegistry(
        settings.tenants, schemas, index=settings.data / TENANT_INDEX, rules=rules_of(settings)
    )
    monkeypatch.setattr(autonomy.app.app.registry, "_runtime", replace(runtime, tenants=begun))
    return begun
