"""A run on another port replaces the sample shops' endpoints at the simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from demo.endpoints import endpoint_option, remove_endpoints_of_other_ports
from demo.places import Places
from stripe_simulator.app import Simulator
from stripe_simulator.server import SimulatorServer

pytestmark = pytest.mark.processes


@pytest.fixture
def simulator():
    running = SimulatorServer(Simulator())
    running.start()
    yield running
    running.close()


@pytest.fixture
def places(simulator, tmp_path: Path):
    port = int(simulator.url.rpartition(":")[2])
    return Places(port=6543, simulator_port=port, mail_port=2525, directory=tmp_path)


def urls(simulator, shop):
    answer = requests.get(
        f"{simulator.url}/v1/webhook_endpoints",
        headers={"Authorization": f"Bearer sk_test_{shop}"},
        timeout=10,
    )
    return {each["url"] for each in answer.json()["data"]}


def seed(simulator, places):
    for shop in ("harbour", "nightjar"):
        simulator.simulator.seed_endpoint(*endpoint_option(places, shop).split(","))


def test_only_the_endpoints_of_this_port_stay(simulator, places):
    elsewhere = replace(places, port=7643)
    seed(simulator, places)
    seed(simulator, elsewhere)
    remove_endpoints_of_other_ports(elsewhere)
    for shop in ("harbour", "nightjar"):
        assert urls(simulator, shop) == {f"http://localhost:7643/api/webhook/stripe/{shop}"}


def test_an_endpoint_that_the_demonstration_has_not_created_stays(simulator, places):
    seed(simulator, places)
    other = "https://shop.example/api/webhook/stripe/harbour"
    simulator.simulator.seed_endpoint("sk_test_harbour", other, "whsec_other")
    remove_endpoints_of_other_ports(places)
    assert urls(simulator, "harbour") == {other, "http://localhost:6543/api/webhook/stripe/harbour"}
