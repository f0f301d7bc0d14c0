"""A stand-in for Stripe, for development and tests only.

It keeps Stripe accounts, Checkout sessions, payment intents, charges, refunds, disputes, events and webhook
endpoints, and answers the part of Stripe's API (version 2026-10-28.endive) that ``stripe_payments`` calls, so that
the real SDK, a real browser and real signed webhooks can be used without a network. No money moves; every page and every response
says that it is a simulator, and live keys are refused.

Start it with ``stripe-simulator``, ``python -m stripe_simulator`` or ``autonomy stripe simulator`` and point the SDK at
it with ``base_addresses={"api": "http://127.0.0.1:PORT"}``. Any ``sk_test_…`` key works: each is an account.

It is strict on purpose: what Stripe would refuse is refused here, and so is every parameter it does not know.

``api/`` has the calls, ``objects/`` the shapes of what they answer; ``checkout``, ``payments``, ``refunds`` and
``disputes`` what happens and which events follow; ``delivery`` and ``chaos`` how those arrive, ``listeners`` and
``websocket`` how they reach ``stripe listen``; ``checkout_page``, ``dashboard``, ``control`` and ``faults`` the part of
buyer, bank, seller and network. The official Stripe CLI can drive it: ``stripe trigger … --api-base URL``.
"""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's API that the simulator plays; see `versions` for an older one that it speaks too."""
