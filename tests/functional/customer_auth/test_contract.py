from autonomy_core.testing.contract import PluginContract


class TestContract(PluginContract):
    plugin = "customer_auth"
    settings = {"access_token_minutes": "5"}
