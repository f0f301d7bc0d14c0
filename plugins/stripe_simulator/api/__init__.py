"""The calls of the API:

``ROUTES`` lists them, with one function each, in a module for each kind of object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marshmallow import Schema

from stripe_simulator.api import (
    accounts,
    balances,
    catalog,
    destinations,
    disputes,
    endpoints,
    events,
    payment_methods,
    payment_pages,
    payments,
    refunds,
    sessions,
    stripecli,
)
from stripe_simulator.api.call import Call, Document
from stripe_simulator.errors import StripeError
from stripe_simulator.schemas import Nothing, Page, Retrieve


@dataclass(frozen=True)
class Route:
    """One call: its path, its parameters, its handler."""

    method: str
    pattern: str
    schema: type[Schema]
    handler: Callable[[Call], Document | StripeError]


ROUTES = (
    Route("POST", "/v1/checkout/sessions", sessions.SessionCreate, sessions.create),
    Route("GET", "/v1/checkout/sessions", sessions.SessionPage, sessions.list_all),
    Route("GET", "/v1/checkout/sessions/{id}", Retrieve, sessions.retrieve),
    Route("POST", "/v1/checkout/sessions/{id}/expire", Retrieve, sessions.expire),
    Route("POST", "/v1/products", catalog.ProductData, catalog.create_product),
    Route("POST", "/v1/prices", catalog.PriceCreate, catalog.create_price),
    Route("POST", "/v1/payment_methods", payment_methods.PaymentMethodCreate, payment_methods.create),
    Route("GET", "/v1/payment_pages/{id}", Nothing, payment_pages.retrieve),
    Route("POST", "/v1/payment_pages/{id}/confirm", payment_pages.Confirm, payment_pages.confirm),
    Route("POST", "/v1/payment_intents", payments.IntentCreate, payments.create_intent),
    Route("GET", "/v1/payment_intents", payments.IntentPage, payments.list_intents),
    Route("GET", "/v1/payment_intents/{id}", Retrieve, payments.retrieve_intent),
    Route("GET", "/v1/charges", payments.ChargePage, payments.list_charges),
    Route("GET", "/v1/charges/{id}", Retrieve, payments.retrieve_charge),
    Route("POST", "/v1/refunds", refunds.RefundCreate, refunds.create),
    Route("GET", "/v1/refunds", refunds.RefundPage, refunds.list_all),
    Route("GET", "/v1/refunds/{id}", Retrieve, refunds.retrieve),
    Route("POST", "/v1/refunds/{id}", refunds.RefundUpdate, refunds.update),
    Route("POST", "/v1/refunds/{id}/cancel", Retrieve, refunds.cancel),
    Route("GET", "/v1/disputes", refunds.RefundPage, disputes.list_all),
    Route("GET", "/v1/disputes/{id}", Retrieve, disputes.retrieve),
    Route("POST", "/v1/disputes/{id}", disputes.DisputeUpdate, disputes.update),
    Route("POST", "/v1/disputes/{id}/close", Retrieve, disputes.close),
    Route("GET", "/v1/balance_transactions", balances.BalanceTransactionPage, balances.list_all),
    Route("GET", "/v1/balance_transactions/{id}", Retrieve, balances.retrieve),
    Route("GET", "/v1/events", events.EventPage, events.list_all),
    Route("GET", "/v1/events/{id}", Nothing, events.retrieve),
    Route("POST", "/v1/events/{id}/retry", events.Retry, events.retry),
    Route("POST", "/v1/stripecli/sessions", stripecli.ListenCreate, stripecli.listen),
    Route("POST", "/v1/webhook_endpoints", endpoints.EndpointCreate, endpoints.create),
    Route("GET", "/v1/webhook_endpoints", Page, endpoints.list_all),
    Route("GET", "/v1/webhook_endpoints/{id}", Nothing, endpoints.retrieve),
    Route("POST", "/v1/webhook_endpoints/{id}", endpoints.EndpointUpdate, endpoints.update),
    Route("DELETE", "/v1/webhook_endpoints/{id}", Nothing, endpoints.delete),
    Route("POST", "/v2/core/event_destinations", destinations.DestinationCreate, destinations.create),
    Route("GET", "/v2/core/event_destinations", destinations.DestinationPage, destinations.list_all),
    Route("GET", "/v2/core/event_destinations/{id}", destinations.DestinationRetrieve, destinations.retrieve),
    Route("DELETE", "/v2/core/event_destinations/{id}", Nothing, destinations.delete),
    Route("GET", "/v1/account", Nothing, accounts.retrieve),
    Route("GET", "/v1/country_specs/{id}", Nothing, accounts.retrieve_country),
)
