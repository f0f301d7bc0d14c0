"""What the mails say, and to whom."""

from sqlalchemy import update

from autonomy_core.plugin_api.customers import Customer
from tests.functional.customer_auth.mailing import ADA, bearer, customer, verify_address


def set_values(shop, **values):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Customer).values(values))


def test_a_mail_that_a_stranger_requests_is_in_the_owners_language(shop, post):
    customer(shop)
    set_values(shop, locale="de-AT")
    shop.post("password/forgotten", {"email": ADA}, 202)
    letter = post.one()
    assert "Passwort" in str(letter.message["Subject"])
    assert "Passwort vergeben" in letter.text


def test_the_first_mails_are_in_the_language_of_the_registration(shop):
    shop.post("register", {"email": ADA, "password": "a long engine", "name": "Ada", "locale": "de-AT"}, 201)
    shop.autonomy.run_jobs(shop.id)
    assert [message["Content-Language"] for message in shop.autonomy.mailbox()] == ["de", "de"]


def test_the_name_is_not_in_a_mail_to_an_address_that_is_not_proven(shop, post):
    """Otherwise a registration with another person's address could advertise in its mail."""
    shop.post("register", {"email": ADA, "password": "a long engine", "name": "Buy at evil.example"}, 201)
    shop.post("password/forgotten", {"email": ADA}, 202)
    letters = post.arrived()
    assert {letter.purpose for letter in letters} == {"verify", "reset"}
    assert not [letter for letter in letters if "evil.example" in letter.text]


def test_the_name_is_in_a_mail_to_a_proven_address(shop, post):
    ada = customer(shop)
    verify_address(shop, ada.id, post)
    shop.post("password/forgotten", {"email": ADA}, 202)
    assert "Hello Ada" in post.one().text


def test_a_change_of_address_does_not_send_a_name_to_strangers(shop, post):
    ada = customer(shop)
    verify_address(shop, ada.id, post)
    set_values(shop, name="Buy at evil.example")
    shop.post("email", {"email": "stranger@example.org"}, 202, bearer(shop, ada.id))
    assert "evil.example" not in post.one().text


def test_a_link_is_on_a_line_of_its_own_in_the_text(shop, post):
    """Mail programs break or lengthen links that are in the middle of a line."""
    customer(shop)
    shop.post("library-link", {"email": ADA}, 202)
    letter = post.one()
    assert letter.link in letter.text.splitlines()
