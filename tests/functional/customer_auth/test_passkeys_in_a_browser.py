"""A real browser creates a passkey with a virtual authenticator, and logs in with it."""

import pytest

from tests.functional.customer_auth.opening import open_shop
from tests.functional.openapi.serving import served
from tests.support.chromium import CHROMIUM, chromium

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

CALLS = """
const post = async (path, body, token) => {
  const headers = {"Content-Type": "application/json"};
  if (token) headers.Authorization = `Bearer ${token}`;
  const path_of_shop = `/${SHOP}/api/v1/customers/${path}`;
  const answer = await fetch(path_of_shop, {method: "POST", headers, body: JSON.stringify(body)});
  return answer.json();
};
"""
CREATE = """
const {flow, options} = await post("passkeys/options", {}, TOKEN);
const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
const credential = await navigator.credentials.create({publicKey});
return post("passkeys", {flow, name: "Laptop", credential: credential.toJSON()}, TOKEN);
"""
LOG_IN = """
const {flow, options} = await post("login/passkey-options", {});
const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
const credential = await navigator.credentials.get({publicKey});
return post("login/passkey", {flow, credential: credential.toJSON()});
"""


def with_page(api):
    """The application, and beside it an empty page on the same host."""

    def serve(environ, start_response):
        if environ["PATH_INFO"] != "/page":
            return api(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [b"<!DOCTYPE html><title>account</title>"]

    return serve


def script(shop, body, token=""):
    return f'const SHOP = "{shop.id}", TOKEN = "{token}";{CALLS}{body}'


@pytest.mark.processes
@pytest.mark.concurrent
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_creates_passkeys_and_logs_in(committed, tmp_path):
    shops = [open_shop(committed, name) for name in ("acme", "beacon")]
    tokens = [shop.register().json["access_token"] for shop in shops]
    with served(with_page(committed.app.app)) as address, chromium(tmp_path) as tab:
        tab.send("WebAuthn.enable")
        authenticator = tab.send("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
        tab.open(f"{address.replace('127.0.0.1', 'localhost')}/page")

        created = tab.run(script(shops[0], CREATE, tokens[0]))
        logged_in = tab.run(script(shops[0], LOG_IN))
        tab.run(script(shops[1], CREATE, tokens[1]))
        kept = tab.send("WebAuthn.getCredentials", **authenticator)["credentials"]

    assert (created["name"], created["rp_id"]) == ("Laptop", "localhost")
    assert shops[0].me(logged_in["access_token"]).json["email"] == "ada@example.org"
    # The account of the second organisation did not replace the one of the first.
    assert {each["rpId"] for each in kept} == {"localhost"}
    assert len({each["userHandle"] for each in kept}) == 2
