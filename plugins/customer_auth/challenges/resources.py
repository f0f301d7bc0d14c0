"""Where the calls of links and codes are."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource


class CustomerEmail(Resource):
    """``…/customers/email``: the address of an account"""

    is_public = True


class CustomerPassword(Resource):
    """``…/customers/password``"""

    is_public = True


class SignIn(Resource):
    """``…/customers/sign-in``: logins without a password"""

    is_public = True
