from uuid import UUID

from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.contract import PluginContract

BONUS = UUID("0198c0de-0000-7000-8000-000000000001")


class TestContract(PluginContract):
    plugin = "bonus_track"
    settings = {"product_id": str(BONUS)}

    def prepare(self, autonomy: Autonomy, organisation_id: str) -> None:
        autonomy.product(organisation_id, id=BONUS, title="Bonus")
