"""Second factors in the resource tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource


class Login(Resource):
    """``…/customers/login``: the first step, and below it the second one."""

    is_public = True


class SecondFactors(Resource):
    """``…/customers/second-factors``"""


class AuthenticatorApp(Resource):
    """``…/customers/second-factors/totp``"""
