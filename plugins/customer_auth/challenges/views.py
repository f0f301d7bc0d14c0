"""Links and codes over HTTP. A GET never uses any: programs that scan mails open every link."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.plugin_api.customers import Customer, CustomerSchema, EmailTaken
from autonomy_core.plugin_api.errors import TooManyRequests, Unavailable
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.schemas import OpenQuery
from autonomy_core.plugin_api.security import Permission
from customer_auth.challenges import address, proving, requesting
from customer_auth.challenges.errors import InvalidCode, InvalidLink
from customer_auth.challenges.resources import CustomerEmail, CustomerPassword, SignIn
from customer_auth.challenges.schemas import (
    EmailChangeSchema,
    FlowSchema,
    LinkSchema,
    MailRequestSchema,
    OwnMailSchema,
    ProofSchema,
    ResetSchema,
    SignInProofSchema,
)
from customer_auth.limits.work import ProofOfWorkRequired
from customer_auth.passwords.rules import WeakPassword
from customer_auth.schemas import TokensSchema
from customer_auth.second_factors.errors import LOGIN_ERRORS
from customer_auth.sessions.requests import client_of
from customer_auth.sessions.services import Tokens

PAGE = Path(__file__).with_name("link.html").read_text("utf-8")


def _hash_of(element: str) -> str:
    """Return the source expression for the page's only element of a kind (Content Security Policy 3)."""
    text = PAGE.partition(f"<{element}>")[2].partition(f"</{element}>")[0]
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src {_hash_of('script')}; style-src {_hash_of('style')}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@api_view(
    context=Customers,
    method="GET",
    name="link",
    summary="Open the link of a mail in a browser",
    permission=PUBLIC,
    query=OpenQuery,
    media={"text/html": "a page that uses the link when its button is pressed"},
    transaction="none",
)
def link_page(context: Customers, request: Request) -> Response:
    """The page for organisations without an `account_url`. Opening it changes nothing."""
    page = Response(PAGE, content_type="text/html", charset="utf-8", cache_control="no-cache")
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@api_view(
    context=CustomerEmail,
    method="POST",
    name="verification",
    summary="Request another mail that verifies the address",
    permission=Permission.OWN,
    body=OwnMailSchema,
    status=202,
    errors=(ProofOfWorkRequired, TooManyRequests),
)
def request_verification(context: CustomerEmail, request: Request) -> None:
    """The mail has a link and a code, both for `email/verify` and valid for 24 hours."""
    address.request_verification_mail(
        context.scope, request.identity.id, client_address=request.remote_addr, **request.validated
    )


@api_view(
    context=CustomerEmail,
    method="POST",
    name="verify",
    summary="Verify the address",
    permission=Permission.OWN,
    body=ProofSchema,
    returns=CustomerSchema,
    errors=(InvalidLink, InvalidCode),
)
def verify_email(context: CustomerEmail, request: Request) -> Customer:
    """The customer must be logged in: on the same device, or where the link was opened."""
    return proving.verify(context.scope, request.identity.id, **request.validated)


@api_view(
    context=CustomerEmail,
    method="POST",
    summary="Request a change of the address",
    permission=Permission.OWN_RECENT,
    body=EmailChangeSchema,
    status=202,
    errors=(address.SameEmail, TooManyRequests),
)
def request_email_change(context: CustomerEmail, request: Request) -> None:
    """The mail to the new address has a link and a code, for `email/confirm`.

    The answer is the same for an address that has an account. No mail is sent to it.
    """
    address.request_change_mail(
        context.scope, request.identity.id, client_address=request.remote_addr, **request.validated
    )


@api_view(
    context=CustomerEmail,
    method="POST",
    name="confirm",
    summary="Change the address",
    permission=Permission.OWN,
    body=ProofSchema,
    returns=CustomerSchema,
    errors=(InvalidLink, InvalidCode, EmailTaken),
)
def confirm_email_change(context: CustomerEmail, request: Request) -> Customer:
    """The old address gets a mail with a way back, which is open for seven days."""
    identity = request.identity
    return address.confirm_change(context.scope, identity.id, identity.session_id, **request.validated)


@api_view(
    context=CustomerEmail,
    method="POST",
    name="undo",
    summary="Take back a change of the address",
    permission=PUBLIC,
    body=LinkSchema,
    status=204,
    errors=(InvalidLink,),
)
def undo_email_change(context: CustomerEmail, request: Request) -> None:
    """All logins end, and all credentials are removed. Continue with `password/forgotten`.

    Connected players and feeds end, too.
    """
    address.undo_change(context.scope, **request.validated)


@api_view(
    context=CustomerPassword,
    method="POST",
    name="forgotten",
    summary="Request a mail with which a password is set",
    permission=PUBLIC,
    body=MailRequestSchema,
    status=202,
    errors=(ProofOfWorkRequired, TooManyRequests),
)
def request_reset(context: CustomerPassword, request: Request) -> None:
    """The answer is the same for every address. The link is for `password/reset`, and valid for an hour."""
    requesting.request_reset_mail(context.scope, client_address=request.remote_addr, **request.validated)


@api_view(
    context=CustomerPassword,
    method="POST",
    name="reset",
    summary="Set a password with a link",
    permission=PUBLIC,
    body=ResetSchema,
    status=204,
    errors=(InvalidLink, WeakPassword, Unavailable),
)
def reset_password(context: CustomerPassword, request: Request) -> None:
    """All logins end. Log in with the new password. Connected players and feeds end, too."""
    proving.reset_password(context.scope, **request.validated)


@api_view(
    context=SignIn,
    method="POST",
    summary="Request a mail to sign in with",
    permission=PUBLIC,
    body=MailRequestSchema,
    returns=FlowSchema,
    status=202,
    errors=(requesting.PasswordlessDisabled, ProofOfWorkRequired, TooManyRequests),
)
def request_sign_in(context: SignIn, request: Request) -> requesting.Requested:
    """The answer is the same for every address. The mail has a link and a code, valid for ten minutes."""
    return requesting.request_sign_in_mail(
        context.scope, client_address=request.remote_addr, **request.validated
    )


@api_view(
    context=SignIn,
    method="POST",
    name="confirm",
    summary="Sign in with a link or a code",
    permission=PUBLIC,
    body=SignInProofSchema,
    returns=TokensSchema,
    errors=(InvalidLink, InvalidCode, *LOGIN_ERRORS),
)
def confirm_sign_in(context: SignIn, request: Request) -> Tokens:
    """Only the client that requested the mail has the `flow`. Five wrong codes end the request."""
    return proving.sign_in(context.scope, client=client_of(request), **request.validated)


@api_view(
    context=Customers,
    method="POST",
    name="library-link",
    summary="Request a mail with a link to everything that was bought",
    permission=PUBLIC,
    body=MailRequestSchema,
    status=202,
    errors=(ProofOfWorkRequired, TooManyRequests),
)
def request_library(context: Customers, request: Request) -> None:
    """For buyers with and without an account. The answer is the same for every address."""
    requesting.request_library_mail(context.scope, client_address=request.remote_addr, **request.validated)


@api_view(
    context=Customers,
    method="POST",
    name="library",
    summary="Open everything that was bought, with a link",
    permission=PUBLIC,
    body=LinkSchema,
    returns=TokensSchema,
    errors=(InvalidLink, *LOGIN_ERRORS),
)
def open_library(context: Customers, request: Request) -> Tokens:
    """The link of a receipt or of `library-link`. It works once, in any browser, and verifies the address."""
    return proving.open_library(context.scope, client=client_of(request), **request.validated)
