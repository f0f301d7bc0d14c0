"""The plugin's implementations."""

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.resources import ApiV1
from tests.functional.core.trial.views import Trials


@hookimpl
def register_views(config):
    config.add_child(ApiV1, "trials", Trials)
    config.scan("tests.functional.core.trial.views")
