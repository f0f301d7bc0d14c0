"""The ways to hand over mail that a server has."""

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import make_runtime
from autonomy_core.settings_schema import SettingsError


def test_a_server_with_a_mistyped_mailer_does_not_start(tmp_path):
    settings = {"autonomy.data": str(tmp_path), "autonomy.tenants": str(tmp_path)}
    settings["sqlalchemy.url"] = "postgresql://unused"
    mail = {"autonomy.mail.url": "smpt://mail.example", "autonomy.mail.from": "shop@mail.example"}
    with pytest.raises(SettingsError, match=r"called 'smpt'; there are: directory, smtp, smtps"):
        make_runtime(settings | mail, Plugins({}))
