"""The plugin's implementations."""

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.resources import Admin, AdminPayment, ApiV1, Customers
from autonomy_core.plugin_api.security import Scope
from tests.functional.core.trial.views import AdminTrials, PaymentTrial, TrialDoor, Trials


@hookimpl
def register_scopes():
    return [Scope("trial.look", "look at what only the plugin has")]


@hookimpl
def register_views(config):
    config.add_child(ApiV1, "trials", Trials)
    config.add_child(Admin, "trials", AdminTrials)
    config.add_child(Customers, "trial", TrialDoor)
    config.add_child(AdminPayment, "trial", PaymentTrial)
    config.scan("tests.functional.core.trial.views")
