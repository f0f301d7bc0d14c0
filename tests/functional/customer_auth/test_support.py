"""Staff help a customer into the account: they see and end logins, and have mails sent."""

from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry


def customer_id(shop, registered):
    return registered.json["customer"]["id"]


def ask(shop, method, path, status):
    headers = shop.autonomy.as_staff(scopes=["customers.write"])
    return shop.autonomy.app.request(
        f"/{shop.id}/api/v1/admin/customers/{path}", method=method, headers=headers, status=status
    )


def recorded(shop, action):
    with shop.autonomy.scope() as scope:
        return scope.session.scalars(select(AuditEntry.target).where(AuditEntry.action == action)).all()


def subjects(shop):
    shop.autonomy.run_jobs()
    return [letter["subject"] for letter in shop.autonomy.mailbox()]


def test_staff_see_a_customers_logins_and_end_them(shop, asked_each_time):
    registered = shop.register()
    customer = customer_id(shop, registered)
    (login,) = ask(shop, "GET", f"{customer}/sessions", 200).json["items"]
    assert login["network"] == "192.0.2.0/24"
    ask(shop, "DELETE", f"{customer}/sessions", 204)
    assert ask(shop, "GET", f"{customer}/sessions", 200).json["items"] == []
    shop.me(registered.json["access_token"], 401)
    assert recorded(shop, "customer.logins_ended") == [f"customer:{customer}"]


def test_staff_send_another_mail_that_verifies_the_address(shop):
    customer = customer_id(shop, shop.register())
    before = len(subjects(shop))
    ask(shop, "POST", f"{customer}/verification", 202)
    assert len(subjects(shop)) == before + 1
    assert recorded(shop, "customer.verification_sent") == [f"customer:{customer}"]


def test_a_reset_by_staff_is_mailed_to_the_customer_only(shop):
    customer = customer_id(shop, shop.register())
    before = subjects(shop)
    answer = ask(shop, "POST", f"{customer}/reset", 202)
    assert answer.body == b""
    assert len(subjects(shop)) == len(before) + 1
    shop.login()
    assert recorded(shop, "customer.reset_started") == [f"customer:{customer}"]


def test_a_blocked_customer_gets_no_reset(shop):
    customer = customer_id(shop, shop.register())
    headers = shop.autonomy.as_staff(scopes=["customers.write"])
    path = f"/{shop.id}/api/v1/admin/customers/{customer}/block"
    shop.autonomy.app.post_json(path, {"reason": "abuse"}, headers=headers)
    assert ask(shop, "POST", f"{customer}/reset", 409).json["code"] == "no_account"


def test_support_needs_the_scope_of_customers(shop):
    customer = customer_id(shop, shop.register())
    headers = shop.autonomy.as_staff(scopes=["customers.read"])
    path = f"/{shop.id}/api/v1/admin/customers/{customer}"
    shop.autonomy.app.post(f"{path}/reset", headers=headers, status=403)
    shop.autonomy.app.get(f"{path}/sessions", headers=headers, status=200)
