"""What the next process of a server would know of its organisations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.runtime import TENANT_INDEX
from autonomy_core.settings import rules_of
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.testing.application import Autonomy


def restart(autonomy: Autonomy, monkeypatch: pytest.MonkeyPatch) -> TenantRegistry:
    """Let requests be answered by a registry that begins with nothing but the files and the data directory.

    What the present one has decided is recorded first, as its thread does within a second.
    """
    runtime = autonomy.app.app.registry.runtime
    runtime.tenants._write_record()
    runtime.tenants._write_index()
    offered = dict(runtime.plugins.registered("register_settings"))
    schemas = {name: offered.get(name, PluginSettings()).organisation for name in runtime.plugins.names}
    settings = runtime.settings
    begun = TenantRegistry(
        settings.tenants, schemas, index=settings.data / TENANT_INDEX, rules=rules_of(settings)
    )
    monkeypatch.setattr(autonomy.app.app.registry, "runtime", replace(runtime, tenants=begun))
    return begun
