"""An account with an authenticator app, as the tests of several modules need it."""

from __future__ import annotations

from base64 import b32decode
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import update

from autonomy_core.plugin_api.models import utcnow
from customer_auth.second_factors.domain import STEP_S, _totp
from customer_auth.second_factors.models import Totp


@dataclass
class App:
    """An authenticator app. Each code is of the next step, so that no test has to wait for one."""

    shop: object
    secret: bytes
    recovery_codes: list[str] = field(default_factory=list)
    access_token: str = ""

    def code(self) -> str:
        """A code that is right now and was not used."""
        return code_at(self.secret, utcnow())

    def forget_step(self) -> None:
        """Let the code of the current step be used again, as if time had passed."""
        with self.shop.autonomy.scope(self.shop.id) as scope:
            scope.session.execute(update(Totp).values(last_step=None))


def code_at(secret, moment, steps=0):
    return _totp(secret).generate(int((moment + timedelta(seconds=steps * STEP_S)).timestamp())).decode()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def call(shop, method, path, token, body=None, status=None):
    send = getattr(shop.autonomy.app, f"{method}_json" if method != "get" else method)
    given = {} if body is None else {"params": body}
    return send(
        f"/{shop.id}/api/v1/customers/{path}",
        **given,
        headers=bearer(token),
        status=status,
        extra_environ={"REMOTE_ADDR": shop.address},
    )


def enrol(shop, token):
    """Enrol an app that is not confirmed yet."""
    answer = call(shop, "post", "second-factors/totp", token, {}, 201).json
    return App(shop, b32decode(answer["secret"]))


def protect(shop, token):
    """Make an app the second factor of an account."""
    app = enrol(shop, token)
    answer = call(shop, "post", "second-factors/totp/confirm", token, {"code": app.code()}, 200).json
    app.recovery_codes, app.access_token = answer["recovery_codes"], answer["access_token"]
    app.forget_step()
    return app
