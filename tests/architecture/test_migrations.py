"""Every revision declares the oldest code that may run on its tables."""

import pytest
from alembic.script import Script

from autonomy_core.db.compatibility import DECLARATION, oldest_code
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import components

REVISIONS = [
    pytest.param(component.script, revision, id=f"{component.component}-{revision.revision}")
    for component in components(Plugins.from_entry_points())
    for revision in component.script.walk_revisions()
]


@pytest.mark.parametrize(("script", "revision"), REVISIONS)
def test_a_revision_declares_the_oldest_code_that_may_run_on_it(script, revision: Script):
    assert hasattr(revision.module, DECLARATION), (
        f"{revision.path}: write {DECLARATION} = the revision of the oldest code that may run on its tables, "
        "an earlier one if all that it reads and writes goes on working; else the revision's own"
    )
    oldest_code(script, revision.revision)
