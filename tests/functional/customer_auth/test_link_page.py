"""The page to which links lead. Programs that scan mail open it first, and it changes nothing."""

import json
import re

import pytest
from sqlalchemy import func, select

from autonomy_core.security.roles import Role
from autonomy_core.staff import services
from customer_auth.challenges.models import Challenge
from tests.functional.customer_auth.mailing import ADA, Letter, Post, bearer, customer
from tests.functional.customer_auth.opening import open_shop
from tests.functional.customer_auth.second_factors import protect
from tests.functional.customer_auth.shop import PASSWORD
from tests.functional.openapi.serving import served
from tests.support.chromium import CHROMIUM, chromium


def opened(shop, **options):
    path = f"/{shop.id}/api/v1/customers/link"
    return shop.autonomy.app.get(path, **options)


def used(shop):
    with shop.autonomy.scope(shop.id) as scope:
        return scope.session.scalar(
            select(func.count()).select_from(Challenge).where(Challenge.used_at.is_not(None))
        )


@pytest.fixture
def letters(shop, post):
    """A mail of each kind with a link."""
    ada = bearer(shop, customer(shop).id)
    for call in ("password/forgotten", "sign-in", "library-link"):
        shop.post(call, {"email": ADA}, 202)
    shop.post("email/verification", {}, 202, ada)
    shop.post("email", {"email": "ada@new.example"}, 202, ada)
    letters = {letter.purpose: letter for letter in post.arrived()}
    assert set(letters) == {"reset", "sign_in", "library", "verify", "email_change"}
    return letters


def test_a_scanner_of_mail_that_opens_every_link_uses_none(shop, letters):
    for letter in letters.values():
        for method in ("GET", "HEAD"):
            shop.autonomy.app.request(letter.page, method=method, status=200)
    assert used(shop) == 0
    shop.post("library", {"token": letters["library"].token}, 200)
    assert used(shop) > 0


def test_no_call_that_uses_a_link_answers_a_get(shop, letters):
    token = letters["reset"].token
    for call in ("password/reset", "library", "sign-in/confirm", "email/undo"):
        path = f"/{shop.id}/api/v1/customers/{call}?token={token}"
        assert shop.autonomy.app.get(path, expect_errors=True).status_int in {404, 405}
    assert used(shop) == 0


def test_the_token_is_in_the_fragment_which_no_server_sees(letters):
    for letter in letters.values():
        assert letter.token not in letter.page
        assert letter.link == f"{letter.page}#purpose={letter.purpose}&token={letter.token}"


def test_the_page_is_the_same_for_every_link(shop, letters):
    first, second = (shop.autonomy.app.get(letters[each].page) for each in ("reset", "library"))
    assert first.body == second.body
    assert opened(shop, params={"utm_source": "mail"}).body == first.body


def test_the_page_runs_nothing_but_its_own_script(shop):
    page = opened(shop)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert re.findall(r"https?://", page.text) == []


def test_the_page_is_only_there_with_the_plugin(autonomy):
    autonomy.organisation("plain")
    autonomy.app.get("/plain/api/v1/customers/link", status=404)


def invite(shop, email=ADA):
    with shop.autonomy.scope(shop.id) as scope:
        services.invite(scope, email, Role.SUPPORT, services.Giver("cli:operator", None))


@pytest.mark.parametrize("account_url", [None, "https://shop.example/account"])
def test_the_link_of_an_invitation_leads_to_the_page(make_shop, account_url):
    shop = make_shop(**({"account_url": account_url} if account_url else {}))
    post, ada = Post(shop), customer(shop)
    invite(shop)
    letter = post.one()
    assert letter.page == (account_url or "https://acme.example/api/v1/customers/link")
    assert letter.purpose == "staff"
    accepted = shop.post("me/staff", {"token": letter.token}, 201, bearer(shop, ada.id))
    assert accepted.json["role"] == "support"


def test_mails_of_an_account_lead_to_the_page_of_the_settings(make_shop):
    shop = make_shop(account_url="https://shop.example/account")
    access = {"Authorization": f"Bearer {shop.register().json['access_token']}"}
    shop.autonomy.app.delete(f"/{shop.id}/api/v1/customers/me", headers=access)
    shop.autonomy.run_jobs(shop.id)
    letters = [Letter(each) for each in shop.autonomy.mailbox() if "Your account" in each["Subject"]]
    assert len(letters) == 2
    assert all("https://shop.example/account" in letter.text for letter in letters)


TEXT = 'return document.getElementById("text").textContent'


def press(page, **values):
    """Fill in the form, press the button, and return what the page says then."""
    return page.run(
        f"""
        const values = {json.dumps(values)};
        for (const id in values) document.getElementById(id).value = values[id];
        const before = document.getElementById("text").textContent;
        document.getElementById("button").click();
        const over = () => !document.getElementById("button").disabled;
        while (!over() || document.getElementById("text").textContent === before)
          await new Promise(resolve => setTimeout(resolve, 20));
        return document.getElementById("text").textContent;
        """
    )


def fields(page):
    """The fields that the page shows."""
    return page.run(
        """
        const shown = field => !field.parentElement.hidden && !field.form.hidden;
        return [...document.querySelectorAll("input")].filter(shown).map(field => field.id);
        """
    )


@pytest.mark.processes
@pytest.mark.concurrent
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_solves_the_task_and_says_so_meanwhile(committed, tmp_path):
    shop = open_shop(committed, proof_of_work="always")
    customer(shop)
    with served(committed.app.app) as address, chromium(tmp_path) as page:
        page.open(f"{address}/{shop.id}/api/v1/customers/link")
        page.run(
            """
            window.said = [];
            const text = document.getElementById("text");
            new MutationObserver(() => said.push(text.textContent)).observe(text, {childList: true});
            """
        )
        assert "is on its way" in press(page, email=ADA)
        assert "your browser computes" in page.run("return said[0]")
    assert Post(shop).one().purpose == "library"


@pytest.fixture
def follow(committed_shop, tmp_path):
    """Follow a link in a browser; the page that it opens."""
    with served(committed_shop.autonomy.app.app) as address, chromium(tmp_path) as tab:

        def open_page(letter=None):
            fragment = f"#purpose={letter.purpose}&token={letter.token}" if letter else ""
            tab.open("about:blank")
            tab.open(f"{address}/{committed_shop.id}/api/v1/customers/link{fragment}")
            return tab

        yield open_page


@pytest.mark.processes
@pytest.mark.concurrent
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_uses_every_link_with_the_button(committed_shop, follow):
    shop, post = committed_shop, Post(committed_shop)

    def mailed(call, email, headers=None):
        post.arrived()
        shop.post(call, {"email": email}, 202, headers)
        return post.one()

    account = shop.register().json
    access = {"Authorization": f"Bearer {account['access_token']}"}
    page = follow(post.one())
    assert fields(page) == ["email", "password"]
    assert "is wrong" in press(page, email=ADA, password="another engine")
    assert "is verified" in press(page, password=PASSWORD)
    assert shop.get("me", access).json["email_verified"]

    invite(shop)
    page = follow(post.one())
    assert "staff now" in press(page, email=ADA, password=PASSWORD)

    page = follow(mailed("email", "ada@new.example", access))
    assert "new address" in press(page, email=ADA, password=PASSWORD)
    page = follow(post.one())
    assert "former address" in press(page)
    page = follow(mailed("password/forgotten", ADA))
    assert fields(page) == ["password"]
    assert "guessed first" in press(page, password="qwertyuiop")
    assert "is saved" in press(page, password="a longer engine")

    app = protect(shop, shop.login(password="a longer engine").json["access_token"])
    letter = mailed("library-link", ADA)
    page = follow(letter)
    assert "second factor" in press(page)
    assert fields(page) == ["code"]
    assert "Nothing was bought" in press(page, code=app.recovery_codes[0])
    page = follow(letter)
    assert "used before" in press(page)
    assert "is on its way" in press(page, email=ADA)
    assert post.one().purpose == "library"


@pytest.mark.processes
@pytest.mark.concurrent
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_without_what_a_link_needs_says_what_to_do(committed_shop, follow):
    shop, post = committed_shop, Post(committed_shop)
    customer(shop)
    shop.post("sign-in", {"email": ADA}, 202)
    # The link of a receipt to an account has no token.
    for letter, words in ((post.one(), "type the code"), (None, "log in at the shop")):
        page = follow(letter)
        assert words in page.run(TEXT)
        assert "is on its way" in press(page, email=ADA)
        assert post.one().purpose == "library"
        style = 'return getComputedStyle(document.getElementById("button")).cursor'
        assert page.run(style) == "pointer"
