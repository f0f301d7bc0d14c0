"""A child of ``customers`` may be public: the views of a login are for callers without an identity."""


def test_a_public_child_of_customers_is_there_without_an_identity(acme):
    acme.app.get("/acme/api/v1/customers/trial")
    acme.app.get("/acme/api/v1/customers/products", status=401)


def test_a_view_of_a_public_child_keeps_its_permission(acme):
    acme.app.get("/acme/api/v1/customers/trial/room", status=401)
    acme.app.get("/acme/api/v1/customers/trial/room", headers=acme.as_customer(acme.customer()))
