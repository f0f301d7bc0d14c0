from autonomy_core.testing.contract import PluginContract


class TestContract(PluginContract):
    plugin = "welcome_gift"
    settings = {"product_id": "0198c0de-0000-7000-8000-000000000001"}
