"""The nodes of the pages of logins."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource


class LoginPage(Resource):
    """``/login``"""


class LogoutPage(Resource):
    """``/logout``"""
