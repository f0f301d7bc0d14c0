"""A customer who buys over HTTP."""

from autonomy_core.plugin_api.payments import PaymentStatus


class Buyer:
    """A customer at an organisation whose payments go nowhere."""

    def __init__(self, autonomy, **product):
        self.autonomy = autonomy
        self.customer = autonomy.customer()
        self.product = autonomy.product(**product)
        self.headers = autonomy.as_customer(self.customer)

    def purchase(self, status=201, **body):
        path = f"/acme/api/v1/customers/products/{self.product.id}/purchase"
        return self.autonomy.app.post_json(path, body, headers=self.headers, status=status).json

    def payments(self):
        return self.autonomy.app.get("/acme/api/v1/customers/payments", headers=self.headers).json["items"]

    def settle(self, status):
        payment = self.autonomy.payment(self.customer, self.product)
        self.autonomy.settle(payment, PaymentStatus(status))
        return payment

    def reprice(self, amount):
        staff = self.autonomy.as_staff()
        path = f"/acme/api/v1/admin/products/{self.product.id}"
        self.autonomy.app.patch_json(path, {"amount": amount}, headers=staff)
