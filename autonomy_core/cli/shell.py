"""The names that ``pshell`` offers besides Pyramid's; ``[pshell] setup`` in the ini file names `setup`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from autonomy_core.db.base import Base
from autonomy_core.kernel.runtime import runtime_of

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime
    from autonomy_core.kernel.scope import TenantScope


def setup(env: dict[str, Any]) -> Iterator[None]:
    """Offer ``scope("harbour")``, ``models``, ``tenants`` and ``runtime``; close the sessions at the end."""
    runtime: Runtime = runtime_of(env["registry"])
    opened = ExitStack()

    def scope(organisation_id: str) -> TenantScope:
        """Return a scope of an organisation; ``.session.commit()`` commits its changes."""
        organisation = runtime.tenants.get(organisation_id)
        if organisation is None:
            raise LookupError(f"{organisation_id!r}; there are {', '.join(runtime.tenants.ids())}")
        session = opened.enter_context(runtime.database.session(organisation_id))
        return runtime.scope(organisation, session)

    env.update(scope=scope, models=_models(), tenants=runtime.tenants, runtime=runtime)
    with opened:
        yield


def _models() -> SimpleNamespace:
    """Return every model, including the plugins', by its class's name."""
    return SimpleNamespace(**{mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers})
