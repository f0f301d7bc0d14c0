from datetime import timedelta

from sqlalchemy import update

from autonomy_core.security.models import RateCount
from tests.functional.customer_auth.mailing import ADA, Post, customer

ADDRESSES = [f"198.51.100.{number}" for number in range(1, 21)]


def ask(shop, call="password/forgotten", status=202):
    return shop.post(call, {"email": ADA}, status)


def let_pass(shop, by):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(RateCount).values(drained_at=RateCount.drained_at - by))


def test_a_mailbox_is_not_flooded(make_shop):
    shop = make_shop(mails_per_email=6, proof_of_work="never")
    customer(shop)
    for shop.address in ADDRESSES:
        for _ in range(2):
            ask(shop)
    assert len(Post(shop).arrived()) == 6


def test_one_network_causes_half_of_the_mails_of_an_address(make_shop):
    shop = make_shop(mails_per_email=6, proof_of_work="never")
    customer(shop)
    post = Post(shop)
    for _ in range(10):
        ask(shop)
    assert len(post.arrived()) == 3
    shop.address = "198.51.100.7"
    ask(shop)
    assert len(post.arrived()) == 1


def test_the_requests_of_a_network_are_limited_whatever_the_addresses(make_shop):
    shop = make_shop(mails_per_address=3)
    for number in range(3):
        shop.post("library-link", {"email": f"customer{number}@example.org"}, 202)
    refused = shop.post("sign-in", {"email": "eve@example.org"}, 429)
    assert int(refused.headers["Retry-After"]) > 0
    shop.address = "198.51.100.7"
    shop.post("sign-in", {"email": "eve@example.org"}, 202)


def test_mails_are_regained_one_by_one(make_shop):
    shop = make_shop(mails_per_email=2, proof_of_work="never")
    customer(shop)
    post = Post(shop)
    for _ in range(3):
        ask(shop)
    assert len(post.arrived()) == 1
    let_pass(shop, timedelta(hours=1))
    ask(shop)
    assert len(post.arrived()) == 1


def test_a_stranger_who_uses_up_the_logins_does_not_lock_the_owner_out(make_shop):
    """The other kinds of mail have limits of their own."""
    shop = make_shop(proof_of_work="never")
    customer(shop)
    post = Post(shop)
    for shop.address in ADDRESSES:
        ask(shop, "sign-in")
    post.arrived()
    shop.address = "192.0.2.1"
    ask(shop, "library-link")
    tokens = shop.post("library", {"token": post.one().token}, 200).json
    shop.me(tokens["access_token"])


def test_the_links_that_a_stranger_has_requested_work_for_the_owner(make_shop):
    shop = make_shop(proof_of_work="never")
    customer(shop)
    post = Post(shop)
    for shop.address in ADDRESSES:
        ask(shop, "library-link")
    shop.address = "192.0.2.1"
    letters = post.arrived()
    tokens = shop.post("library", {"token": letters[0].token}, 200).json
    shop.me(tokens["access_token"])


def test_the_log_does_not_have_the_address_of_a_withheld_mail(make_shop, capsys):
    shop = make_shop(mails_per_email=1, proof_of_work="never")
    for _ in range(3):
        ask(shop)
    said = capsys.readouterr().out
    assert "customer_auth.mail_withheld" in said
    assert ADA not in said


def test_a_request_for_a_mail_may_need_a_proof_of_work(make_shop):
    shop = make_shop(proof_of_work="always")
    for call in ("password/forgotten", "sign-in", "library-link"):
        assert ask(shop, call, 403).json["code"] == "proof_of_work_required"
