"""The calls of a client with passkeys, as the tests of several modules need them."""

from tests.functional.customer_auth.second_factors import call

ORIGIN = "https://shop.example"


def offer(shop, token, origin=ORIGIN, status=200, **body):
    path = f"/{shop.id}/api/v1/customers/passkeys/options"
    headers = {"Authorization": f"Bearer {token}", "Origin": origin}
    return shop.autonomy.app.post_json(path, body, headers=headers, status=status).json


def keep(shop, token, flow, credential, status=201):
    body = {"flow": flow, "name": "Phone", "credential": credential}
    return call(shop, "post", "passkeys", token, body, status)


def create(shop, token, phone, status=201, **body):
    offered = offer(shop, token, phone.origin, **body)
    return keep(shop, token, offered["flow"], phone.create(offered["options"]), status)


def ask(shop, origin=ORIGIN, status=200, **body):
    return shop.post("login/passkey-options", body, status, headers={"Origin": origin}).json


def sign(shop, phone, passkey=None, **body):
    """What a client presents."""
    asked = ask(shop, phone.origin, **body)
    return {"flow": asked["flow"], "credential": phone.get(asked["options"], passkey)}


def log_in(shop, phone, status=200, passkey=None):
    return shop.post("login/passkey", sign(shop, phone, passkey), status)


def listed(shop, token):
    return call(shop, "get", "passkeys", token).json["items"]
