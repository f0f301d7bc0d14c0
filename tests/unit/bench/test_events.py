import json

import stripe

from bench.webhooks import events, ours


def posted(request):
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return lines[0], dict(line.split(": ", 1) for line in lines[1:]), body


def test_a_request_is_signed_as_the_sdk_expects():
    event = events.completed_event(7, reference="7", metadata={})
    line, headers, body = posted(events.signed_request("/webhook", event))
    assert line == "POST /webhook HTTP/1.1"
    assert int(headers["Content-Length"]) == len(body)
    verified = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], events.SECRET)
    assert verified.type == "checkout.session.completed"


def test_each_payment_has_an_event_and_a_session_of_its_own():
    made = [ours.completed_event(number) for number in range(3)]
    assert len({event["id"] for event in made}) == 3
    assert len({event["data"]["object"]["id"] for event in made}) == 3


def test_an_event_says_that_its_payment_is_paid():
    session = ours.completed_event(7)["data"]["object"]
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert (session["amount_total"], session["currency"]) == (events.AMOUNT, events.CURRENCY)
    assert session["metadata"]["payment_id"] == session["client_reference_id"]


def test_an_event_is_about_as_long_as_stripes_own():
    assert 2500 < len(json.dumps(ours.completed_event(7), indent=2)) < 6000
