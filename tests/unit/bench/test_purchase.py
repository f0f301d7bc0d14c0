"""The whole purchase benchmark with few rounds. No speed is asserted."""

import pytest
import stripe

from bench import benchmark
from bench.database import VoidRun
from bench.purchase import by_hand, ours, simulator
from bench.purchase.__main__ import BENCHMARK
from bench.rounds import play
from stripe_payments.api.client import API_VERSION

pytestmark = pytest.mark.processes


@pytest.fixture
def stripe_server(tmp_path):
    with simulator.serving(tmp_path) as server:
        yield server


def only_session(server, name):
    """The one session of a contender, without the values that differ each time."""
    client = stripe.StripeClient(
        simulator.key(name), stripe_version=API_VERSION, base_addresses={"api": server.url}
    )
    (session,) = client.v1.checkout.sessions.list().data
    each = ("id", "url", "created", "expires_at", "client_reference_id", "metadata", "success_url")
    return {name: value for name, value in session.to_dict().items() if name not in each}


def test_the_benchmark_prints_ratios_and_removes_its_files(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "DIRECTORY", tmp_path / "bench")
    assert BENCHMARK.main(["--rounds", "1", "--purchases", "8", "--connections", "2"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| `{name}` |" in printed for name in ("ours", "flask", "simulator"))
    assert "x `flask` | x `simulator` | purchases/s" in printed
    assert "Stripe's CPU per purchase" in printed
    assert list((tmp_path / "bench").iterdir()) == []


def test_the_simulator_alone_gets_the_requests_that_ours_sends(postgresql, tmp_path, stripe_server):
    with ours.contender(postgresql, tmp_path, 1, stripe_server) as contender:
        play(contender, range(1))
    postgresql.drop_database(ours.NAME)
    with simulator.contender(postgresql, tmp_path, 1, stripe_server) as contender:
        play(contender, range(1))
    assert only_session(stripe_server, simulator.NAME) == only_session(stripe_server, ours.NAME)


def test_a_session_without_a_payment_voids_the_round(postgresql, tmp_path, stripe_server):
    with by_hand.contender(postgresql, tmp_path, 1, stripe_server) as contender:
        client = stripe.StripeClient(
            simulator.key(by_hand.NAME), stripe_version=API_VERSION, base_addresses={"api": stripe_server.url}
        )
        item = {"price_data": {"currency": "eur", "unit_amount": 1200, "product_data": {"name": "A thing"}}}
        order = {
            "mode": "payment",
            "success_url": "https://shop.example/",
            "line_items": [{**item, "quantity": 1}],
        }
        client.v1.checkout.sessions.create(order)
        with pytest.raises(VoidRun, match="2 Stripe sessions, 1 payments with a Stripe session"):
            play(contender, range(1))
    postgresql.drop_database(by_hand.NAME)
