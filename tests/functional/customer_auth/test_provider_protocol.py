"""What the server does if a provider, or what stands in its place, is hostile or broken."""

import hashlib
import hmac
import json
from base64 import b64decode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from customer_auth.providers import flows
from customer_auth.providers.domain import Provider
from customer_auth.providers.protocol import ProviderLoginFailed, Providers, ProviderUnavailable
from tests.support.refused_port import REFUSING

CLIENT, SECRET = "client-1", "a secret of at least thirty-two characters"
KEY = RSAKey.generate_key(2048, {"kid": "1"}, private=True, auto_kid=False)
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"}, private=True, auto_kid=False)
NEWER_KEY = ECKey.generate_key("P-256", {"kid": "2"}, private=True)
ADA = {"sub": "ada", "email": "ada@example.org", "email_verified": True, "name": "Ada"}


class Known:
    def reveal(self):
        return SECRET


class Server(BaseHTTPRequestHandler):
    """A provider whose answers a test chooses: by path, a status and JSON, or a function of the form."""

    def do_GET(self):
        self._answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({name: value for name, (value,) in parse_qs(body.decode()).items()})

    def _answer(self, form):
        self.server.asked.append(self.path)
        found = self.server.answers[self.path]
        status, content = found(form, self.headers) if callable(found) else found
        self.send_response(status)
        if status == 302:
            self.send_header("Location", content)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content.encode() if isinstance(content, str) else json.dumps(content).encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Site:
    """A provider, and a login at it that the server has begun."""

    def __init__(self, server):
        self.host = f"127.0.0.1:{server.server_port}"
        self.issuer = f"http://{self.host}"
        self.provider = Provider("company", self.issuer, CLIENT, Known(), frozenset({self.host}))
        self.providers = Providers(over_http=True)
        self.flow = flows.begin("company", "https://acme.example/", None)
        self.asked = server.asked = []
        self.answers = server.answers = {
            "/.well-known/openid-configuration": (200, self.metadata()),
            "/keys": (200, {"keys": [KEY.as_dict(private=False)]}),
        }
        self.tokens(self.id_token())

    def metadata(self, **changes):
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        paths = dict(zip(names, ("authorize", "token", "userinfo"), strict=True))
        found = {name: f"{self.issuer}/{path}" for name, path in paths.items()}
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **found, **changes}

    def describe(self, **changes):
        self.answers["/.well-known/openid-configuration"] = (200, self.metadata(**changes))

    def claims(self, **changes):
        now = int(time())
        ours = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": self.flow.nonce}
        return {name: value for name, value in {**ours, **ADA, **changes}.items() if value is not None}

    def id_token(self, key=KEY, alg="RS256", **changes):
        header = {"alg": alg, "kid": key.kid}
        return jwt.encode({**header}, self.claims(**changes), key, [alg])

    def tokens(self, id_token, **more):
        answer = {"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}
        self.answers["/token"] = (200, {**answer, **more})

    def login_url(self):
        return self.providers.login_url(self.provider, self.flow)

    def asserted(self, iss=None):
        return self.providers.asserted(self.provider, self.flow, "the code", iss)


@pytest.fixture
def site(running):
    return Site(running)


def test_a_correct_answer_is_accepted(site):
    asserted = site.asserted()
    assert (asserted.subject, asserted.email, asserted.email_verified) == ("ada", "ada@example.org", True)


def test_the_provider_says_when_it_has_authenticated_the_customer(site):
    assert int(parse_qs(urlsplit(site.login_url()).query)["max_age"][0]) > 0
    site.tokens(site.id_token(auth_time=1_700_000_000))
    assert site.asserted().authenticated_at.timestamp() == 1_700_000_000
    site.tokens(site.id_token(auth_time=10**30))
    assert site.asserted().authenticated_at is None


def test_an_answer_that_names_its_provider_is_accepted(site):
    site.describe(authorization_response_iss_parameter_supported=True)
    assert site.asserted(iss=site.issuer).subject == "ada"


@pytest.mark.parametrize(
    ("announced", "iss"),
    [(True, None), (True, "https://evil.example"), (False, "https://evil.example"), (True, "{issuer}/")],
)
def test_the_code_of_another_provider_is_not_sent(site, announced, iss):
    """A mix-up (RFC 9207): the code of an honest provider would reach the one at which the login began."""
    site.describe(authorization_response_iss_parameter_supported=announced)
    with pytest.raises(ProviderLoginFailed):
        site.asserted(iss=iss and iss.format(issuer=site.issuer))
    assert "/token" not in site.asked


def test_the_code_is_exchanged_with_secret_and_verifier(site):
    """RFC 7636, section 4.6: the provider compares the verifier with the challenge in the login's address."""
    (challenge,) = parse_qs(urlsplit(site.login_url()).query)["code_challenge"]
    seen = {}

    def exchange(form, headers):
        seen.update(form, auth=headers["Authorization"])
        return 200, {"token_type": "Bearer", "access_token": "at", "id_token": site.id_token()}

    site.answers["/token"] = exchange
    site.asserted()
    digest = hashlib.sha256(seen["code_verifier"].encode()).digest()
    assert urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
    assert (seen["code"], seen["grant_type"]) == ("the code", "authorization_code")
    assert seen["redirect_uri"] == "https://acme.example/"
    assert b64decode(seen["auth"].removeprefix("Basic ")).decode().startswith(f"{CLIENT}:")
    assert "client_secret" not in seen


def in_three_parts(site, alg, secret):
    """A token without a signature, or with one that libraries do not make: by HMAC with a public key."""
    parts = [json.dumps(part).encode() for part in ({"alg": alg, "kid": "1"}, site.claims())]
    signed = b".".join(encoded(part) for part in parts)
    mac = hmac.digest(secret, signed, "sha256") if secret else b""
    return (signed + b"." + encoded(mac)).decode()


def encoded(part):
    return urlsafe_b64encode(part).rstrip(b"=")


@pytest.mark.parametrize(
    "forge",
    [
        lambda site: site.id_token(iss="https://evil.example"),
        lambda site: site.id_token(iss=None),
        lambda site: site.id_token(aud="client-2"),
        lambda site: site.id_token(aud=["client-2", "client-3"]),
        lambda site: site.id_token(aud=[CLIENT, "client-2"]),
        lambda site: site.id_token(azp="client-2"),
        lambda site: site.id_token(aud=None),
        lambda site: site.id_token(nonce="another"),
        lambda site: site.id_token(nonce=None),
        lambda site: site.id_token(exp=int(time()) - 120),
        lambda site: site.id_token(exp=None),
        lambda site: site.id_token(iat=None),
        lambda site: site.id_token(sub=None),
        lambda site: site.id_token(at_hash="another access token"),
        lambda site: site.id_token(OTHER_KEY),
        lambda site: site.id_token(OctKey.import_key(SECRET, {"kid": "1"}), "HS256"),
        lambda site: in_three_parts(site, "HS256", KEY.as_pem(private=False)),
        lambda site: in_three_parts(site, "none", None),
        lambda site: 5,
        lambda site: "x.y.z",
    ],
)
def test_an_id_token_that_is_not_ours_is_refused(site, forge):
    site.tokens(forge(site))
    with pytest.raises((ProviderLoginFailed, ProviderUnavailable)):
        site.asserted()


def test_a_refused_code_is_a_failed_login(site):
    site.answers["/token"] = (400, {"error": "invalid_grant"})
    with pytest.raises(ProviderLoginFailed):
        site.asserted()


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"error": "invalid_client"}),
        (500, {}),
        (200, []),
        (200, "no JSON"),
        (200, {"access_token": "at"}),
        (302, "/elsewhere"),
        (200, "x" * 2_000_000),
    ],
)
def test_a_broken_answer_about_tokens_is_an_outage(site, answer):
    site.answers["/token"] = answer
    with pytest.raises(ProviderUnavailable):
        site.asserted()


@pytest.mark.parametrize(
    "answer", [(404, {}), (200, []), (200, "no JSON"), (200, {"keys": 5}), (302, "/keys2")]
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
def test_a_broken_description_is_an_outage(site, path, answer):
    site.answers[path] = answer
    with pytest.raises(ProviderUnavailable):
        site.login_url()
    assert "/keys2" not in site.asked


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
def test_no_host_is_called_that_the_ini_file_does_not_name(site, name):
    site.describe(**{name: f"http://{REFUSING}/internal"})
    with pytest.raises(ProviderUnavailable):
        site.login_url()


def test_a_redirect_to_an_internal_host_is_not_followed(site):
    site.answers["/token"] = (302, f"http://{REFUSING}/latest/meta-data")
    with pytest.raises(ProviderUnavailable):
        site.asserted()


def test_a_provider_without_tls_is_called_in_development_only(site):
    with pytest.raises(ProviderUnavailable):
        Providers(over_http=False).login_url(site.provider, site.flow)
    assert site.asked == []


def test_a_check_asks_a_provider_that_is_known_too(site):
    site.login_url()
    assert site.providers.problem_of(site.provider) is None
    assert site.asked == ["/.well-known/openid-configuration", "/keys"] * 2


def test_a_check_says_what_is_wrong_with_a_provider(site):
    site.describe(issuer="https://evil.example")
    assert "issuer" in site.providers.problem_of(site.provider)
    site.describe()
    site.answers["/keys"] = (500, "{}")
    assert site.providers.problem_of(site.provider) == "HTTPError: status 500"


def test_the_description_is_asked_for_once(site):
    site.login_url()
    site.asserted()
    assert site.asked == ["/.well-known/openid-configuration", "/keys", "/token"]


def test_a_new_key_of_the_provider_is_fetched(site):
    site.providers = Providers(over_http=True, keys_asked_again_after_s=0)
    site.login_url()
    site.answers["/keys"] = (200, {"keys": [NEWER_KEY.as_dict(private=False)]})
    site.tokens(site.id_token(NEWER_KEY, "ES256"))
    assert site.asserted().subject == "ada"


def test_tokens_with_unknown_keys_do_not_flood_the_provider(site):
    site.login_url()
    site.tokens(site.id_token(NEWER_KEY, "ES256"))
    for _ in range(5):
        with pytest.raises(ProviderLoginFailed):
            site.asserted()
    assert site.asked.count("/keys") == 1


def test_the_address_may_come_from_userinfo(site):
    site.tokens(site.id_token(email=None, email_verified=None))
    site.answers["/userinfo"] = (200, ADA)
    assert site.asserted().email == "ada@example.org"


@pytest.mark.parametrize("sub", ["eve", None])
def test_userinfo_of_another_customer_is_not_used(site, sub):
    site.tokens(site.id_token(email=None, email_verified=None))
    site.answers["/userinfo"] = (200, {**ADA, "sub": sub})
    assert site.asserted().email is None


def test_address_and_proof_come_from_one_source(site):
    site.tokens(site.id_token(email="ada@example.org", email_verified=None))
    site.answers["/userinfo"] = (200, {**ADA, "email": "eve@example.org"})
    assert site.asserted().email == "eve@example.org"
