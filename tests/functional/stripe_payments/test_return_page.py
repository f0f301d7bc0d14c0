"""The page to which Stripe redirects the buyer."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from structlog.testing import capture_logs

from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.models import StripePayment
from stripe_payments.testing import stripe_event
from tests.functional.stripe_payments.shop import COMPLETED, Shop, come_back

THANKS = "https://acme.example/thanks?from=shop"


def path_for(shop, session_id):
    return f"/{shop.id}/api/v1/checkout/stripe/return?session_id={session_id}"


def test_a_return_before_the_webhook_completes_the_payment(shop):
    answer = shop.purchase(success_url=THANKS).json
    location = shop.visit(answer["checkout_url"], "pay")
    come_back(shop, location)
    payment = shop.present(UUID(answer["payment"]["id"]))
    assert (payment.status, payment.settled_by) == ("completed", "return_page")
    assert len(shop.grants()) == 1
    assert shop.rows(WebhookEvent) == []


def test_a_webhook_after_the_return_settles_nothing_twice(shop):
    answer = shop.purchase().json
    come_back(shop, shop.visit(answer["checkout_url"], "pay"))
    assert shop.post_events() == ["processed"]
    assert shop.present(UUID(answer["payment"]["id"])).settled_by == "return_page"
    assert len(shop.grants()) == 1


def test_the_buyer_is_redirected_to_the_success_url_with_the_id(shop):
    answer = shop.purchase(success_url=THANKS).json
    response = come_back(shop, shop.visit(answer["checkout_url"], "pay"))
    url = urlsplit(response.headers["Location"])
    assert (url.netloc, url.path) == ("acme.example", "/thanks")
    assert parse_qs(url.query) == {"from": ["shop"], "payment_id": [answer["payment"]["id"]]}
    assert response.headers["Cache-Control"] == "no-store"


def test_only_the_payment_id_in_the_success_url_is_replaced(shop):
    answer = shop.purchase(success_url="https://acme.example/thanks?payment_id=1&a=b%20c&flag&a=~#top").json
    response = come_back(shop, shop.visit(answer["checkout_url"], "pay"))
    assert response.headers["Location"] == (
        f"https://acme.example/thanks?a=b%20c&flag&a=~&payment_id={answer['payment']['id']}#top"
    )


def test_a_completed_payment_causes_no_call(shop):
    answer = shop.purchase().json
    location = shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    # Asked with this key, Stripe would know of no such session, and the log would tell.
    shop.configure(test_secret_key="sk_test_of_an_account_without_the_session")
    with capture_logs() as logged:
        come_back(shop, location)
    assert "stripe.call_failed" not in str(logged)
    assert shop.present(UUID(answer["payment"]["id"])).settled_by == "webhook"


def test_a_buyer_without_a_payment_is_redirected_without_a_grant(shop):
    answer = shop.purchase().json
    (session,) = shop.ledger("sessions")
    come_back(shop, path_for(shop, session["id"]))
    assert shop.status(UUID(answer["payment"]["id"])) == "pending"
    assert shop.grants() == []


def test_a_bank_debit_is_processing_at_the_return(shop):
    answer = shop.purchase().json
    come_back(shop, shop.visit(answer["checkout_url"], "pay_by_debit"))
    assert shop.status(UUID(answer["payment"]["id"])) == "processing"


def test_an_unknown_session_is_not_found(shop):
    problem = shop.autonomy.app.get(path_for(shop, "cs_test_nobody"), status=404).json
    assert problem["code"] == "checkout_not_found"


def test_another_organisations_session_is_not_found(shop, autonomy, simulator):
    other = Shop(autonomy, simulator, "other")
    other.purchase()
    (session,) = other.ledger("sessions")
    shop.autonomy.app.get(path_for(shop, session["id"]), status=404)
    assert shop.grants() == other.grants() == []


def test_a_return_without_a_session_is_a_clear_problem(shop):
    for query in ("", "?session_id=", "?session_id=pi_1", "?session_id=cs_1%00", "?session_id=../../evil"):
        problem = shop.autonomy.app.get(f"/acme/api/v1/checkout/stripe/return{query}", status=422).json
        assert problem["code"] == "invalid_input"


def test_a_session_with_another_amount_grants_nothing(shop):
    answer = shop.purchase().json
    location = shop.visit(answer["checkout_url"], "pay")
    with shop.scope() as scope:
        payment = shop.present(UUID(answer["payment"]["id"]))
        scope.session.add(payment)
        payment.amount = 999
    come_back(shop, location)
    assert shop.status(payment) == "pending"
    assert shop.grants() == []


def test_the_page_does_not_exist_without_the_plugin(shop, autonomy):
    autonomy.organisation("bare")
    autonomy.app.get("/bare/api/v1/checkout/stripe/return?session_id=cs_test_1", status=404)


def test_an_event_before_stripes_answer_keeps_the_checkout_url(shop):
    answer = shop.purchase().json
    (row,) = shop.rows(StripePayment)
    (session,) = shop.ledger("sessions")
    shop.post(stripe_event(COMPLETED, session | {"payment_status": "paid"}))
    (after,) = shop.rows(StripePayment)
    assert (after.session_id, after.checkout_url) == (row.session_id, answer["checkout_url"])


def test_appended_query_parameters_are_ignored(shop):
    answer = shop.purchase(success_url=THANKS).json
    location = shop.visit(answer["checkout_url"], "pay")
    back = come_back(shop, f"{location}&utm_source=stripe&fbclid=1&fbclid=2&redirect_status=succeeded")
    assert back.headers["Location"].startswith("https://acme.example/thanks")


def test_a_repeated_session_id_is_refused(shop):
    location = f"{path_for(shop, 'cs_test_1')}&session_id=cs_test_2"
    assert list(come_back(shop, location, 422).json["errors"]["query"]) == ["session_id"]
