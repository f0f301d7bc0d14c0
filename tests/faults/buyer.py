"""A customer with a good client, and the staff and the bank as far as they deal with their purchases."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import requests

from tests.faults.installation import PRICE, TIMEOUT_S

PASSWORD = "correct horse battery"
REQUEST_TIMEOUT_S = (3.05, 30)

PAYS = {"AT611904300234573201": True, "AT861904300235473202": False}
DECLINED, REFUNDED_LATE, REFUNDED_IN_VAIN = "4000000000000002", "4000000000007726", "4000000000005126"


class Client:
    """Repeat a request with the same Idempotency-Key until an answer comes (docs/api/idempotency.md)."""

    def __init__(self):
        self._http = requests.Session()
        self.statuses = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.close()

    def post(self, url, expected, **options):
        return self.ask("POST", url, expected, key=str(uuid4()), **options)

    def ask(self, method, url, expected, *, key=None, headers=None, **options):
        headers = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._try(method, url, headers=headers, **options)
            if answer is not None and answer.status_code in expected and not _is_under_way(answer):
                return answer
            told = "nothing" if answer is None else f"{answer.status_code} {answer.text[:300]}"
            assert answer is None or answer.status_code >= 500 or _is_under_way(answer), f"{url}: {told}"
            assert time.monotonic() < deadline, f"{method} {url} was never answered: {told}"
            time.sleep(0.1)

    def _try(self, method, url, **options):
        try:
            answer = self._http.request(
                method, url, timeout=REQUEST_TIMEOUT_S, allow_redirects=False, **options
            )
        except requests.RequestException:
            return None
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        return answer


def _is_under_way(answer):
    return answer.status_code == 409 and "idempotency_in_progress" in answer.text


class Buyer:
    """Make the purchases of the plan.

    Args:
        customer: of the plan.
        staff_key, products: of the shop.
        moment: called when a purchase begins and when it ends.
    """

    def __init__(self, installation, customer, staff_key, products, moment):
        self.client = Client()
        self._api = installation.api(customer.shop)
        self._simulator = installation.simulator
        self._customer = customer
        self._products = products
        self._moment = moment
        self._staff = {"Authorization": f"Bearer {staff_key}"}

    def buy_everything(self):
        # Customers disconnect after their purchase: thousands of connections are too many for a server.
        with self.client:
            self._register()
            for product_id, fate in zip(self._products, self._customer.fates, strict=False):
                self._moment()
                getattr(self, fate)(product_id)
                self._moment()
        return self.client.statuses

    def _register(self):
        who = {"email": self._customer.email, "password": PASSWORD, "name": "Ada"}
        tokens = self.client.post(f"{self._api}/customers/register", {201}, json=who).json()
        self._headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    # What becomes of a purchase.

    def paid(self, product_id):
        self._act(self._purchase(product_id), action="pay")

    def paid_after_a_double_click(self, product_id):
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(self._purchase, [product_id] * 2)
        assert one["payment"]["id"] == other["payment"]["id"], "a double click is two payments"
        self._act(one, action="pay")

    def paid_after_a_declined_card(self, product_id):
        bought = self._purchase(product_id)
        self._act(bought, action="pay", card=DECLINED)
        self._act(bought, action="pay")

    def paid_by_a_debit(self, product_id):
        self._debit(product_id, "succeeded")

    def returned_by_the_bank(self, product_id):
        self._debit(product_id, "failed")

    def abandoned(self, product_id):
        self._purchase(product_id)

    def expired(self, product_id):
        self._act(self._purchase(product_id), action="expire")

    def refunded(self, product_id):
        self._refund(self._paid_and_come_back(product_id))

    def refunded_in_two_parts(self, product_id):
        bought = self._paid_and_come_back(product_id)
        self._refund(bought, amount=PRICE // 3)
        self._refund(bought, amount=PRICE // 3)

    def refunded_late(self, product_id):
        self._refund(self._paid_and_come_back(product_id, card=REFUNDED_LATE))

    def refunded_in_vain(self, product_id):
        self._refund(self._paid_and_come_back(product_id, card=REFUNDED_IN_VAIN))

    def refunded_at_stripe(self, product_id):
        bought = self._purchase(product_id)
        self._act(bought, action="pay")
        self._at_stripe(bought, "refund")

    def disputed(self, product_id):
        bought = self._purchase(product_id)
        self._act(bought, action="pay")
        return self._at_stripe(bought, "dispute")

    def disputed_and_won(self, product_id):
        self._close(self.disputed(product_id), "won")

    def disputed_and_lost(self, product_id):
        self._close(self.disputed(product_id), "lost")

    # The steps.

    def _purchase(self, product_id):
        url = f"{self._api}/customers/products/{product_id}/purchase"
        return Client().post(url, {200, 201}, json={}, headers=self._headers).json()

    def _act(self, bought, **form):
        """Act on the checkout page. 409: it was done before and the answer was lost; 402: declined."""
        self.client.ask("POST", bought["checkout_url"], {200, 303, 402, 409, 410}, data=form)

    def _debit(self, product_id, outcome):
        bought = self._purchase(product_id)
        self._act(bought, action="pay_by_debit")
        self._at_stripe(bought, "settle", outcome=outcome)

    def _paid_and_come_back(self, product_id, **form):
        """Pay, and come back until the shop knows: the return page asks Stripe."""
        bought = self._purchase(product_id)
        self._act(bought, action="pay", **form)
        page = f"{self._api}/checkout/stripe/return?session_id={_session(bought)}"
        payment = f"{self._api}/customers/payments/{bought['payment']['id']}"
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            self.client.ask("GET", page, {303})
            status = self.client.ask("GET", payment, {200}, headers=self._headers).json()["status"]
            if status == "completed":
                return bought
            assert time.monotonic() < deadline, f"paid, and still {status}"

    def _refund(self, bought, **wanted):
        url = f"{self._api}/admin/payments/{bought['payment']['id']}/refunds"
        self.client.post(url, {201, 202}, json={"reason": "a wish", **wanted}, headers=self._staff)

    def _at_stripe(self, bought, what, **form):
        """Act as people in the dashboard or as banks; a repetition after a lost answer is refused."""
        url = f"{self._simulator}/_simulator/sessions/{_session(bought)}/{what}"
        return self.client.ask("POST", url, {200, 400, 409}, data=form).json()

    def _close(self, dispute, outcome):
        if "id" in dispute:
            url = f"{self._simulator}/_simulator/disputes/{dispute['id']}/close"
            self.client.ask("POST", url, {200, 400}, data={"outcome": outcome})


def _session(bought):
    return bought["checkout_url"].rpartition("/")[2]
