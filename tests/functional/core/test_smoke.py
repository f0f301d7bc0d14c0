def test_a_purchase_grants_nothing_without_a_granting_plugin(autonomy):
    autonomy.organisation("acme")
    ada = autonomy.customer("acme")
    thing = autonomy.product("acme")
    listed = autonomy.app.get("/acme/api/v1/products").json
    assert [item["id"] for item in listed["items"]] == [str(thing.id)]
    bought = autonomy.app.post_json(
        f"/acme/api/v1/customers/products/{thing.id}/purchase",
        {},
        headers=autonomy.as_customer(ada),
        status=201,
    ).json
    assert bought["payment"]["status"] == "pending"
    assert (
        autonomy.app.get("/acme/api/v1/customers/products", headers=autonomy.as_customer(ada)).json["items"]
        == []
    )
    autonomy.app.get("/acme/api/v1/customers/products", status=401)
    autonomy.app.get("/nobody/api/v1/products", status=404)
    autonomy.app.get("/acme/api/v1/products/junk", status=404)
    autonomy.app.get("/acme/api/v1/admin/products", headers=autonomy.as_staff("acme"))
    autonomy.app.get("/acme/api/v1/admin/products", headers=autonomy.as_customer(ada), status=403)
    autonomy.app.delete("/acme/api/v1/products", status=405)
