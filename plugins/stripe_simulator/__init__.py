"""A simulator of Stripe, for development and tests only.

It stores Stripe accounts, Checkout sessions, payment intents, charges, refunds, disputes, events and webhook
endpoints. It implements the part of Stripe's API (version 2026-10-28.endive) that ``stripe_payments`` calls.
So the real SDK, a real browser and real signed webhooks work without a network. No money moves. Every page
and every response states that it comes from a simulator, and live keys are refused.

Start it with ``stripe-simulator``, ``python -m stripe_simulator`` or ``autonomy stripe simulator``, and
configure the SDK with ``base_addresses={"api": "http://127.0.0.1:PORT"}``. Any ``sk_test_…`` key works; each
key is an account.

The simulator is strict: it refuses what Stripe would refuse, and every unknown parameter.

``api/`` contains the calls, ``objects/`` the objects in their responses. ``checkout``, ``payments``,
``refunds`` and ``disputes`` implement state changes and their events. ``delivery`` and ``chaos`` deliver the
events, ``listeners`` and ``websocket`` deliver them to ``stripe listen``. ``checkout_page``, ``dashboard``,
``control`` and ``faults`` simulate buyer, bank, seller and network. The official Stripe CLI works with it:
``stripe trigger … --api-base URL``.
"""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's API that is simulated; see `versions` for a supported older version."""
