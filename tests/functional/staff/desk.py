"""The staff's API of an organisation."""

import json

from sqlalchemy import select

from autonomy_core.mail.models import MailMessage
from autonomy_core.security.roles import Role
from autonomy_core.staff import mails, services
from autonomy_core.testing.stand_ins import TWO_FACTORS_HEADER

CLIENT = "203.0.113.7"
OPERATOR = services.Giver("cli:operator", None)


class Desk:
    """The staff's API of an organisation, as its members use it."""

    def __init__(self, autonomy, organisation_id="acme"):
        self.autonomy, self.id = autonomy, organisation_id
        autonomy.organisation(organisation_id)

    def account(self, email):
        return self.autonomy.customer(self.id, email)

    def headers(self, customer, *, two_factors=True):
        factors = {TWO_FACTORS_HEADER: "yes"} if two_factors else {}
        return {**self.autonomy.as_customer(customer), **factors}

    def member(self, email, role):
        """A new account that has accepted an invitation of the operator."""
        customer = self.account(email)
        with self.autonomy.scope(self.id) as scope:
            services.invite(scope, email, Role(role), OPERATOR)
        self.accept(customer, self.invited(email))
        return customer

    def invited(self, email):
        """The token in the newest mail to an address, which the worker writes."""
        with self.autonomy.scope(self.id) as scope:
            statement = select(MailMessage).where(MailMessage.recipient == email)
            mail = scope.session.scalars(statement.order_by(MailMessage.id.desc())).first()
            return services.new_token(scope, mails.invitation_id(mail.template_values))

    def accept(self, customer, token, status=201):
        path = f"/{self.id}/api/v1/customers/me/staff"
        body = {"token": token}
        return self.autonomy.app.post_json(path, body, headers=self.headers(customer), status=status)

    def call(self, method, path, headers, body=None, status=200):
        content = {}
        if body is not None:
            content = {"body": json.dumps(body).encode(), "content_type": "application/json"}
        path = f"/{self.id}/api/v1/admin/{path}"
        options = {"method": method, "headers": headers, "status": status, **content}
        return self.autonomy.app.request(path, environ={"REMOTE_ADDR": CLIENT}, **options)

    def listed(self, headers, email):
        """The member with an address, as the list shows it."""
        staff = self.call("GET", "staff", headers).json["items"]
        return next(each for each in staff if each["email"] == email)

    def audit(self, headers, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return self.call("GET", f"audit?{query}" if query else "audit", headers).json["items"]
