"""Two ledgers that must agree: that of Stripe's simulator, and that of the database."""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass

from psycopg.rows import namedtuple_row

from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.reversals.reports import DISPUTE_OUTCOMES, REFUND_OUTCOMES
from stripe_simulator.identifiers import account_of
from tests.faults.installation import SHOPS

PAYMENTS = """
SELECT p.*, s.session_id FROM payments AS p
LEFT JOIN stripe_payments_payments AS s ON s.organisation_id = p.organisation_id AND s.payment_id = p.id
"""
ENVIRONMENTS = """
SELECT 'payments' AS what, environment FROM payments UNION ALL SELECT 'grants', environment FROM grants
UNION ALL SELECT 'events', environment FROM webhook_events
"""
HAS_MONEY = {
    "completed",
    "partially_refunded",
    "refunded",
    "disputed",
    "dispute_won",
    "dispute_lost",
}
WITHOUT_ACCESS = {
    "refunded": {"refunded"},
    "disputed": {"disputed"},
    # The reason for which access was taken first.
    "dispute_lost": {"disputed", "dispute lost"},
}
"""Why access is taken away, as the shops' ini files, which leave it at the defaults, want it."""

OF_ACCOUNT = {account_of(f"sk_test_{shop}"): shop for shop in SHOPS}


class Stripe:
    """The simulator's ledger, read from its file."""

    def __init__(self, path):
        self._path = path

    def all(self, kind):
        """Each object of a kind, with the shop whose account it is in."""
        with sqlite3.connect(f"file:{self._path}?mode=ro", uri=True) as ledger:
            rows = ledger.execute("SELECT account, body FROM records WHERE kind = ?", [kind]).fetchall()
        return [{"shop": OF_ACCOUNT[account], **json.loads(body)} for account, body in rows]

    def pending_deliveries(self):
        """The number of deliveries that will be retried; `all` would be slow for many."""
        pending = (
            "SELECT count(*) FROM records "
            "WHERE kind = 'delivery' AND json_extract(body, '$.status') = 'pending'"
        )
        with sqlite3.connect(f"file:{self._path}?mode=ro", uri=True) as ledger:
            return ledger.execute(pending).fetchone()[0]

    def events(self):
        """The number of events."""
        with sqlite3.connect(f"file:{self._path}?mode=ro", uri=True) as ledger:
            return ledger.execute("SELECT count(*) FROM records WHERE kind = 'event'").fetchone()[0]


@dataclass
class Shop:
    """Both ledgers of one shop."""

    name: str
    sessions: dict
    intents: dict
    refunds: list
    disputes: list
    events: dict
    payments: list
    grants: dict
    our_refunds: list
    our_disputes: list
    inbox: dict
    receipts: dict
    arrived: Counter


def read(stripe, database, arrived):
    """Both ledgers by shop, and the rows of environments in which no shop sells."""

    def rows(query):
        return database.cursor(row_factory=namedtuple_row).execute(query).fetchall()

    tables = {
        "payments": rows(PAYMENTS),
        "grants": rows("SELECT * FROM grants"),
        "refunds": rows("SELECT * FROM payment_refunds"),
        "disputes": rows("SELECT * FROM payment_disputes"),
        "events": rows("SELECT * FROM webhook_events"),
        "mails": rows("SELECT * FROM mail_messages"),
    }
    foreign = [row for row in rows(ENVIRONMENTS) if row.environment != "test"]
    kinds = ("session", "payment_intent", "refund", "dispute", "event")
    ledger = {kind: stripe.all(kind) for kind in kinds}
    return [_shop(name, ledger, tables, arrived) for name in SHOPS], foreign


def _shop(name, ledger, tables, arrived):
    theirs = {kind: [each for each in found if each["shop"] == name] for kind, found in ledger.items()}
    ours = {table: [row for row in rows if row.organisation_id == name] for table, rows in tables.items()}
    grants = {}
    for grant in ours["grants"]:
        grants.setdefault(grant.payment_id, []).append(grant)
    return Shop(
        name=name,
        sessions={each["id"]: each for each in theirs["session"]},
        intents={each["id"]: each for each in theirs["payment_intent"]},
        refunds=theirs["refund"],
        disputes=theirs["dispute"],
        events={each["id"]: each for each in theirs["event"]},
        payments=ours["payments"],
        grants=grants,
        our_refunds=ours["refunds"],
        our_disputes=ours["disputes"],
        inbox={each.event_id: each for each in ours["events"]},
        receipts={each.once: each for each in ours["mails"] if each.template == "payments.receipt"},
        arrived=Counter(arrived),
    )


def violations(stripe, database, arrived=None, most_repeated=None):
    """Every way in which the two ledgers do not agree, or break a rule, in words.

    Args:
        database: a connection of the owner's, who sees all organisations.
        arrived: the ``Message-ID`` of each mail that the mail server has accepted.
        most_repeated: how many receipts may have arrived once more; None for any number.
    """
    shops, foreign = read(stripe, database, arrived or [])
    checks = (
        of_sessions,
        of_payments,
        of_sales,
        of_refunds,
        of_disputes,
        of_events,
        *((of_receipts,) if arrived is not None else ()),
    )
    found = [f"{shop.name}: {wrong}" for shop in shops for check in checks for wrong in check(shop)]
    receipts = [(shop, receipt) for shop in shops for receipt in shop.receipts.values()]
    repeated = sum(max(0, shop.arrived[receipt.message_id] - 1) for shop, receipt in receipts)
    if most_repeated is not None and repeated > most_repeated:
        found.append(f"{repeated} receipts came twice, after {most_repeated} kills")
    return found + [f"crossed the environment: {row}" for row in foreign]


def of_sessions(shop):
    """Stripe's sessions are known here, each as the payment that it was opened for."""
    payments = {str(payment.id): payment for payment in shop.payments}
    for session in shop.sessions.values():
        if session["metadata"]["organisation_id"] != shop.name:
            yield f"{session['id']} is in another organisation's account"
        payment = payments.get(session["client_reference_id"])
        if payment is None:
            yield f"{session['id']} belongs to no payment"
        elif payment.session_id not in (None, session["id"]) or (
            payment.session_id is None and payment.status != "failed"
        ):
            yield f"{session['id']} is not the session of payment {payment.id}, {payment.status}"


def of_payments(shop):
    """A payment has its money, and its one grant, if and only if Stripe has been paid."""
    by_payment = {session["client_reference_id"]: session for session in shop.sessions.values()}
    for payment in shop.payments:
        session = by_payment.get(str(payment.id))
        about = f"payment {payment.id} is {payment.status}"
        if payment.status not in (expected := states_of(shop, session)):
            yield f"{about}; Stripe says {' or '.join(sorted(expected))}"
        if session and (payment.amount, payment.currency) != (session["amount_total"], session["currency"]):
            yield f"{about} and of another amount than {session['id']}"
        grants = [(each.product_id, each.revoked_because) for each in shop.grants.get(payment.id, [])]
        reasons = WITHOUT_ACCESS.get(payment.status, {None})
        wanted = (
            [[(payment.product_id, reason)] for reason in reasons] if payment.status in HAS_MONEY else [[]]
        )
        if grants not in wanted:
            yield f"{about} and has granted {grants}"
        if any(each.customer_id != payment.customer_id for each in shop.grants.get(payment.id, [])):
            yield f"{about} and has granted to another customer"


def states_of(shop, session):
    """The allowed statuses of a payment, by the state of its session at Stripe."""
    if session is None:
        return {"failed"}
    if session["payment_status"] == "paid":
        return HAS_MONEY
    if session["status"] == "open":
        # Failed: the shop never learnt where to pay, told the buyer so, and opened another one.
        return {"pending", "failed"}
    if session["status"] == "expired":
        return {"expired"}
    intent = shop.intents[session["payment_intent"]]
    return {"processing"} if intent["status"] == "processing" else {"failed"}


def of_sales(shop):
    """No customer has paid twice for one product, and a customer who has paid owns it."""
    paid = Counter(
        (payment.customer_id, payment.product_id)
        for payment in shop.payments
        if shop.sessions.get(payment.session_id, {}).get("payment_status") == "paid"
    )
    for (customer_id, product_id), times in paid.items():
        if times > 1:
            yield f"customer {customer_id} has paid {times} times for {product_id}"


def of_refunds(shop):
    """Every refund is known on both sides, once, of the same payment, amount and state."""
    payments = _payment_of_intents(shop)
    theirs = Counter(
        (each["id"], payments.get(each["payment_intent"]), each["amount"], REFUND_OUTCOMES[each["status"]])
        for each in shop.refunds
    )
    ours = Counter(
        (each.reference, each.payment_id, each.amount, each.status)
        for each in shop.our_refunds
        if each.reference is not None or each.status != "failed"
    )
    yield from _difference("refund", theirs, ours)
    asked = Counter(each["metadata"].get("refund_id") for each in shop.refunds)
    yield from (
        f"refund {name} was made {times} times" for name, times in asked.items() if name and times > 1
    )


def of_disputes(shop):
    """As `of_refunds`."""
    payments = _payment_of_intents(shop)
    theirs = Counter(
        (each["id"], payments.get(each["payment_intent"]), each["amount"], DISPUTE_OUTCOMES[each["status"]])
        for each in shop.disputes
    )
    ours = Counter((each.reference, each.payment_id, each.amount, each.status) for each in shop.our_disputes)
    yield from _difference("dispute", theirs, ours)


def _payment_of_intents(shop):
    of_session = {payment.session_id: payment.id for payment in shop.payments}
    return {each["payment_intent"]: of_session.get(each["id"]) for each in shop.sessions.values()}


def _difference(what, theirs, ours):
    yield from (f"{what} known to Stripe alone: {one}" for one in (theirs - ours).elements())
    yield from (f"{what} known here alone: {one}" for one in (ours - theirs).elements())


def of_events(shop):
    """Every event is in the inbox of its account's organisation only, and has a final status and reason."""
    for event in shop.events.values():
        if event["type"] in HANDLED_EVENTS and event["id"] not in shop.inbox:
            yield f"{event['id']}, {event['type']}, never arrived"
    for event in shop.inbox.values():
        about = f"{event.event_id}, {event.type}, is {event.status}"
        if event.event_id not in shop.events:
            yield f"{about} and of another account"
        if event.status not in ("processed", "ignored", "set_aside"):
            yield f"{about} ({event.reason})"
        elif event.status != "processed" and not event.reason:
            yield f"{about} without a reason"
        # No other system uses the accounts in these runs.
        elif event.status == "set_aside":
            yield f"{about}: {event.reason}"


def of_receipts(shop):
    """Every payment that was completed has one receipt, which has arrived; no other payment has one."""
    completed = {f"receipt:{payment.id}" for payment in shop.payments if payment.completed_at is not None}
    yield from (f"{once} is missing" for once in completed - shop.receipts.keys())
    yield from (f"{once} is of a payment without money" for once in shop.receipts.keys() - completed)
    for once, receipt in shop.receipts.items():
        if receipt.status != "sent" or not shop.arrived[receipt.message_id]:
            yield f"{once} is {receipt.status}, and has arrived {shop.arrived[receipt.message_id]} times"
