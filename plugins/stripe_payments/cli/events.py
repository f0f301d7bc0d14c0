"""``autonomy stripe events``: the events that an organisation has received from Stripe, and their outcome."""

from __future__ import annotations

from autonomy_core.plugin_api.commands import event_commands
from stripe_payments.settings import SOURCE

events = event_commands("events", SOURCE)
