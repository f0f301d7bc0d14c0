"""Customers log in at another provider of identities, a real one in a process of its own."""

from time import time
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from autonomy_core.customers.services import add_guest
from autonomy_core.plugin_api.customers import Customer
from customer_auth.models import LoginSession
from customer_auth.personal_data import PERSONAL_DATA
from customer_auth.providers import flows
from customer_auth.providers.checks import check_providers
from customer_auth.providers.models import ProviderIdentity
from customer_auth.sessions import methods
from tests.functional.customer_auth.concurrent_calls import at_once, statuses
from tests.functional.customer_auth.opening import open_shop
from tests.functional.customer_auth.second_factors import protect
from tests.functional.customer_auth.shop import EMAIL, PASSWORD
from tests.support.oidc_provider import running_provider
from tests.support.refused_port import REFUSING

PAGE = "https://acme.example/account/signed-in"
SUBJECTS = iter(range(1_000_000))


@pytest.fixture(scope="session")
def provider():
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def autonomy_settings():
    return {"customer_auth.providers_over_http": "yes"}


@pytest.fixture
def make_shop(autonomy, provider):
    def make(organisation_id="acme", **settings):
        line = f"company {provider.issuer} {organisation_id}-client s3cret"
        return open_shop(autonomy, organisation_id, providers=line, **settings)

    return make


@pytest.fixture
def subject(provider):
    """A user of the provider with a proven address."""
    return user(provider)


def user(provider, email=EMAIL, *, verified=True, **claims):
    subject = f"user-{next(SUBJECTS)}"
    provider.user(subject, email=email, email_verified=verified, **claims)
    return subject


def start(shop, *, at="providers/start", token=None, page=PAGE, status=200, provider="company"):
    headers = {"Authorization": f"Bearer {token}"} if token else None
    return shop.post(at, {"provider": provider, "return_url": page}, status, headers).json


def returned(shop, provider, subject, **options):
    """Begin a login, log in at the provider, and return what the page then has."""
    begun = start(shop, **options)
    return {"flow": begun["flow"], **provider.log_in(begun["url"], subject)}


def finish(shop, body, status=200):
    return shop.post("providers/finish", body, status).json


def log_in(shop, provider, subject, status=200):
    return finish(shop, returned(shop, provider, subject), status)


def link(shop, provider, subject, token, status=201):
    body = returned(shop, provider, subject, at="providers/linked/start", token=token)
    return shop.post("providers/linked", body, status, {"Authorization": f"Bearer {token}"}).json


def linked(shop, token):
    path, headers = f"/{shop.id}/api/v1/customers/providers/linked", {"Authorization": f"Bearer {token}"}
    return shop.autonomy.app.get(path, headers=headers).json["items"]


def customers(shop):
    with shop.autonomy.scope(shop.id) as scope:
        return scope.session.scalar(select(func.count()).select_from(Customer))


def test_the_providers_are_listed_without_their_secrets(shop):
    answer = shop.autonomy.app.get(f"/{shop.id}/api/v1/customers/providers")
    assert answer.json == {"items": [{"name": "company"}]}


def test_a_new_proven_address_gets_an_account(shop, provider):
    tokens = log_in(shop, provider, user(provider, name="Ada"))
    me = shop.me(tokens["access_token"]).json
    assert (me["email"], me["name"], me["email_verified"]) == (EMAIL, "Ada", True)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalars(select(LoginSession.methods)).one() == ["oidc"]


def test_a_known_identity_logs_in_to_the_same_account(shop, provider, subject):
    first, second = (shop.me(log_in(shop, provider, subject)["access_token"]).json for _ in range(2))
    assert first == second
    assert customers(shop) == 1


def test_a_known_identity_logs_in_although_its_address_changed(shop, provider, subject):
    first = shop.me(log_in(shop, provider, subject)["access_token"]).json
    provider.user(subject, email="new@example.org", email_verified=False)
    assert shop.me(log_in(shop, provider, subject)["access_token"]).json == first


@pytest.mark.parametrize(("ago_s", "status"), [(0, 200), (3600, 403), (None, 403)])
def test_a_login_is_as_recent_as_the_provider_says(shop, provider, ago_s, status):
    """A session at the provider may be old. It must not change credentials here."""
    said = None if ago_s is None else int(time()) - ago_s
    token = log_in(shop, provider, user(provider, auth_time=said))["access_token"]
    start(shop, at="providers/linked/start", token=token, status=status)


def test_a_guest_with_the_address_becomes_the_account(shop, provider, subject):
    with shop.autonomy.scope() as scope:
        guest = add_guest(scope, EMAIL).id
    assert shop.me(log_in(shop, provider, subject)["access_token"]).json["id"] == str(guest)


@pytest.mark.parametrize("claims", [{"verified": False}, {"email": None}, {"email": "not an address"}])
def test_an_address_that_the_provider_has_not_proven_is_refused(shop, provider, claims):
    refused = log_in(shop, provider, user(provider, **claims), 403)
    assert refused["code"] == "provider_address_unproven"
    assert customers(shop) == 0


def test_an_account_is_not_taken_over_by_its_address(shop, provider, subject):
    shop.register()
    assert log_in(shop, provider, subject, 409)["code"] == "provider_not_linked"
    shop.login(password=PASSWORD)


def test_a_customer_links_an_identity_and_logs_in_with_it(shop, provider, subject):
    tokens = shop.register().json
    made = link(shop, provider, subject, tokens["access_token"])
    assert made["provider"] == "company"
    assert linked(shop, tokens["access_token"]) == [made]
    me = shop.me(log_in(shop, provider, subject)["access_token"]).json
    assert (me["id"], me["email_verified"]) == (tokens["customer"]["id"], True)


def test_an_unlinked_identity_logs_in_no_more(shop, provider, subject):
    token = shop.register().json["access_token"]
    made = link(shop, provider, subject, token)
    path = f"/{shop.id}/api/v1/customers/providers/linked/{made['id']}"
    headers = {"Authorization": f"Bearer {token}"}
    shop.autonomy.app.delete(path, headers=headers, status=204)
    shop.autonomy.app.delete(path, headers=headers, status=404)
    assert log_in(shop, provider, subject, 409)["code"] == "provider_not_linked"


def test_the_identity_of_another_address_is_not_linked(shop, provider):
    token = shop.register().json["access_token"]
    other = user(provider, "eve@example.org")
    assert link(shop, provider, other, token, 409)["code"] == "provider_address_differs"


def test_an_unproven_address_is_not_linked(shop, provider):
    token = shop.register().json["access_token"]
    refused = link(shop, provider, user(provider, verified=False), token, 403)
    assert refused["code"] == "provider_address_unproven"


def test_an_identity_of_another_account_is_not_linked(shop, provider, subject):
    log_in(shop, provider, subject)
    provider.user(subject, email="eve@example.org", email_verified=True)
    token = shop.register("eve@example.org").json["access_token"]
    assert link(shop, provider, subject, token, 409)["code"] == "provider_identity_taken"


def test_the_linking_of_another_customer_cannot_be_finished(shop, provider, subject):
    mine = shop.register().json["access_token"]
    others = shop.register("eve@example.org").json["access_token"]
    body = returned(shop, provider, subject, at="providers/linked/start", token=mine)
    refused = shop.post("providers/linked", body, 422, {"Authorization": f"Bearer {others}"}).json
    assert refused["code"] == "provider_login_failed"


def test_the_linking_of_a_customer_is_no_login(shop, provider, subject):
    token = shop.register().json["access_token"]
    body = returned(shop, provider, subject, at="providers/linked/start", token=token)
    assert finish(shop, body, 422)["code"] == "provider_login_failed"


def test_linking_needs_a_recent_authentication(shop, provider, monkeypatch):
    token = shop.register().json["access_token"]
    monkeypatch.setattr(methods, "RECENT_FOR", methods.RECENT_FOR * 0)
    refused = start(shop, at="providers/linked/start", token=token, status=403)
    assert refused["code"] == "reauthentication_required"


def test_a_login_of_another_browser_is_refused(shop, provider, subject):
    """Login CSRF: a page sends the victim's browser to the return page with the attacker's code and state."""
    attackers = returned(shop, provider, subject)
    victims = start(shop)
    assert finish(shop, {**attackers, "flow": victims["flow"]}, 422)["code"] == "provider_login_failed"


def test_a_login_is_finished_once(shop, provider, subject):
    body = returned(shop, provider, subject)
    finish(shop, body)
    assert finish(shop, body, 422)["code"] == "provider_login_failed"


def test_a_code_of_another_login_is_refused(shop, provider, subject):
    """The code of a login is worthless with the nonce and the verifier of another."""
    first, second = (returned(shop, provider, subject) for _ in range(2))
    assert finish(shop, {**first, "code": second["code"]}, 422)["code"] == "provider_login_failed"


@pytest.mark.parametrize(
    "change",
    [
        {"code": "guessed"},
        {"state": "guessed"},
        {"state": "é"},
        {"flow": "x.y"},
        {"iss": "https://evil.example"},
    ],
)
def test_a_guessed_answer_of_the_provider_is_refused(shop, provider, subject, change):
    body = {**returned(shop, provider, subject), **change}
    assert finish(shop, body, 422)["code"] == "provider_login_failed"


def test_an_expired_login_is_refused(shop, provider, subject, monkeypatch):
    monkeypatch.setattr(flows, "LIFETIME", flows.LIFETIME * -1)
    body = returned(shop, provider, subject)
    monkeypatch.undo()
    assert finish(shop, body, 422)["code"] == "provider_login_failed"


def test_a_login_of_another_organisation_is_refused(make_shop, provider, subject):
    shop, other = make_shop(), make_shop("beacon")
    body = returned(shop, provider, subject, page="https://acme.example/")
    assert finish(other, body, 422)["code"] == "provider_login_failed"


def test_an_identity_in_two_organisations_is_two_accounts(make_shop, provider, subject):
    shop, other = make_shop(), make_shop("beacon")
    here = shop.me(log_in(shop, provider, subject)["access_token"]).json
    body = returned(other, provider, subject, page="https://beacon.example/")
    assert other.me(finish(other, body)["access_token"]).json["id"] != here["id"]
    with shop.autonomy.scope("beacon") as scope:
        found = scope.session.scalars(select(ProviderIdentity.organisation_id)).all()
    assert found == ["beacon"]


@pytest.mark.parametrize("page", ["https://evil.example/", "https://acme.example.evil.example/"])
def test_a_provider_returns_to_the_organisations_pages_only(shop, page):
    assert start(shop, page=page, status=422)["code"] == "foreign_return_url"


def test_a_provider_that_is_not_named_does_not_exist(shop):
    assert start(shop, provider="google", status=404)["code"] == "not_found"


def test_the_address_of_the_login_has_state_nonce_and_challenge(shop, provider):
    url = start(shop)["url"]
    asked = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{provider.issuer}/oauth2/authorize?")
    assert asked["response_type"] == "code"
    assert asked["scope"] == "openid email profile"
    assert asked["redirect_uri"] == PAGE
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert asked.keys() & {"client_secret", "code_verifier"} == set()


def test_two_logins_have_nothing_in_common(shop):
    first, second = start(shop), start(shop)
    assert first["flow"] != second["flow"]
    assert first["url"] != second["url"]


def test_a_provider_that_cannot_be_reached_is_an_error(autonomy):
    shop = open_shop(autonomy, providers=f"company http://{REFUSING} client s3cret")
    assert start(shop, status=503)["code"] == "provider_unavailable"


def test_the_online_check_finds_providers_that_fail(autonomy, provider):
    lines = [f"company {provider.issuer} client s3cret", f"other http://{REFUSING} client s3cret"]
    open_shop(autonomy, providers="\n ".join(lines))
    with autonomy.scope() as scope:
        good, bad = check_providers(scope)
    assert (good.subject, good.severity) == ("company", "info")
    assert (bad.subject, bad.severity, bad.code) == ("other", "error", "provider_failed")
    assert "s3cret" not in f"{good}{bad}"


def test_linked_identities_are_exported_and_erased(shop, provider, subject):
    me = shop.me(log_in(shop, provider, subject)["access_token"]).json
    with shop.autonomy.scope() as scope:
        (identity,) = dict(PERSONAL_DATA.export(scope, UUID(me["id"])))["identities.json"]
        assert (identity["issuer"], identity["subject"]) == (provider.issuer, subject)
        PERSONAL_DATA.erase(scope, UUID(me["id"]))
        assert scope.session.scalars(select(ProviderIdentity)).all() == []


def test_a_login_at_a_provider_does_not_avoid_the_second_factor(shop, provider, subject):
    token = shop.register().json["access_token"]
    link(shop, provider, subject, token)
    app = protect(shop, token)
    refused = log_in(shop, provider, subject, 403)
    assert refused["code"] == "second_factor_required"
    shop.post("login/second-factor", {"flow": refused["flow"], "code": app.code()}, 200)


def test_a_blocked_customer_does_not_log_in_at_a_provider(shop, provider, subject):
    log_in(shop, provider, subject)
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Customer).values(blocked_at=func.now(), blocked_because="abuse"))
    assert log_in(shop, provider, subject, 403)["code"] == "account_blocked"


@pytest.mark.concurrent
def test_concurrent_first_logins_make_one_account(committed, provider, subject):
    line = f"company {provider.issuer} acme-client s3cret"
    shop = open_shop(committed, providers=line)
    bodies = [returned(shop, provider, subject) for _ in range(8)]
    answers = at_once(shop, "providers/finish", bodies)
    assert statuses(answers)[200] >= 1
    assert set(statuses(answers)) <= {200, 409}
    assert customers(shop) == 1
    log_in(shop, provider, subject)


@pytest.mark.concurrent
def test_concurrent_uses_of_one_login_succeed_once(committed, provider, subject):
    line = f"company {provider.issuer} acme-client s3cret"
    shop = open_shop(committed, providers=line)
    answers = at_once(shop, "providers/finish", [returned(shop, provider, subject)] * 50)
    assert statuses(answers) == {200: 1, 422: 49}
