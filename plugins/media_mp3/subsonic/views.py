"""The calls of players, and the calls for app passwords, over HTTP."""

from __future__ import annotations

from typing import Any, Final

from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.plugin_api.security import Permission
from media_mp3.subsonic import dispatch, envelope, files, passwords, system
from media_mp3.subsonic.domain import Parameters, ProtocolError
from media_mp3.subsonic.models import AppPassword
from media_mp3.subsonic.resources import AppPasswordNode, AppPasswords, SubsonicCall
from media_mp3.subsonic.schemas import (
    AppPasswordSchema,
    CreatedAppPasswordSchema,
    NewAppPasswordSchema,
)

FORM: Final = "application/x-www-form-urlencoded"


# No `api_view`: the calls are not in the API's description, since the protocol publishes its own.
@view_config(context=SubsonicCall, request_method="GET", permission=PUBLIC)
def answer_player(context: SubsonicCall, request: Request) -> Response:
    """Answer a player. The parameters contain the credentials."""
    return _answered(context, request, Parameters(request.GET.items()))


@view_config(context=SubsonicCall, request_method="POST", permission=PUBLIC)
def answer_player_with_form(context: SubsonicCall, request: Request) -> Response:
    """Answer a player that sends a form: the extension ``formPost``."""
    form = request.POST.items() if request.content_type == FORM else ()
    return _answered(context, request, Parameters([*form, *request.GET.items()]))


def _answered(context: SubsonicCall, request: Request, parameters: Parameters) -> Response:
    name = dispatch.name_of(context.__name__ or "")
    try:
        if name == dispatch.EXTENSIONS:
            return _enveloped(parameters, envelope.succeeded(system.EXTENSIONS))
        listener = dispatch.listener_of(context.scope, parameters, request.remote_addr)
        dispatch.require_known(name)
        if name in dispatch.FILES:
            return files.answer(context.scope, request, name, listener, parameters)
        content = dispatch.answer(context.scope, name, listener, parameters)
    except ProtocolError as error:
        return _enveloped(parameters, envelope.failed(error))
    return _enveloped(parameters, envelope.succeeded(content))


def _enveloped(parameters: Parameters, answer: dict[str, Any]) -> Response:
    """The answer in the format that the player wants. Its status is 200, also for errors."""
    in_json = _wants_json(parameters)
    body = envelope.in_json(answer) if in_json else envelope.in_xml(answer)
    media_type = envelope.JSON if in_json else envelope.XML
    return Response(
        body=body,
        content_type=media_type,
        charset=None if in_json else "utf-8",
        cache_control="no-store",
    )


def _wants_json(parameters: Parameters) -> bool:
    try:
        return parameters.text("f") == "json"
    except ProtocolError:
        return False


@api_view(
    context=AppPasswords,
    method="GET",
    summary="List your app passwords",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(AppPasswordSchema),
)
def list_app_passwords(context: AppPasswords, request: Request) -> dict[str, Any]:
    """Newest first. Each lets one device play the library. The passwords themselves are not shown again."""
    statement = passwords.of(request.identity.id)
    return paginate(context.scope.session, statement, AppPassword.id, request.query)


@api_view(
    context=AppPasswords,
    method="POST",
    summary="Make an app password for a device",
    permission=Permission.OWN_RECENT,
    body=NewAppPasswordSchema,
    returns=CreatedAppPasswordSchema,
    status=201,
    errors=(NotFound, passwords.TooManyAppPasswords),
)
def create_app_password(context: AppPasswords, request: Request) -> passwords.NewAppPassword:
    """For a player that speaks OpenSubsonic. This answer is the only one with the password."""
    identity = request.identity
    return passwords.create(context.scope, identity.id, identity.session_id, request.validated["name"])


@api_view(
    context=AppPasswordNode,
    method="DELETE",
    summary="Revoke an app password",
    permission=Permission.OWN,
    status=204,
    errors=(NotFound,),
)
def revoke_app_password(context: AppPasswordNode, request: Request) -> None:
    """The device is refused from its next call on."""
    passwords.revoke(context.scope, request.identity.id, context.password_id)
