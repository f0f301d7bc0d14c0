from __future__ import annotations

from marshmallow import fields

from autonomy_core.plugin_api.errors import Conflict
from autonomy_core.plugin_api.operations import PUBLIC
from autonomy_core.plugin_api.pages import (
    Checkbox,
    _,
    allow,
    begin_session,
    end_session,
    local_path,
    page_view,
    redirect,
)
from autonomy_core.plugin_api.resources import Site
from autonomy_core.plugin_api.schemas import ApiSchema, OpenQuery, Text
from autonomy_core.plugin_api.security import Permission
from tests.functional.pages.trial.resources import Guestbook

ENTRIES = []


class TooSimilar(Conflict):
    code, title = "too_similar", "There is such an entry"


class EntrySchema(ApiSchema):
    name = Text(20, required=True)
    words = Text(200, lines=True, required=True)
    mail = fields.Email()
    public = Checkbox()


class BookQuery(OpenQuery):
    q = Text(20, load_default=None)


@page_view(
    context=Guestbook,
    template="trial/guestbook.html",
    title=_("Guestbook"),
    permission=PUBLIC,
    query=BookQuery,
    kept=True,
)
def guestbook(context, request):
    return {"entries": ENTRIES, "words": request.query["q"]}


@page_view(
    context=Guestbook,
    method="POST",
    template="trial/guestbook.html",
    title=_("Guestbook"),
    permission=PUBLIC,
    form=EntrySchema,
    errors={TooSimilar: _("There is an entry of %(name)s already.")},
    again=guestbook,
)
def write(context, request):
    if any(entry["name"] == request.validated["name"] for entry in ENTRIES):
        raise TooSimilar(extra={"name": request.validated["name"]})
    ENTRIES.append(request.validated)
    return redirect(request, "guestbook")


@page_view(
    context=Guestbook,
    name="own",
    template="trial/plain.html",
    title=_("Your entries"),
    permission=Permission.OWN,
)
def own(context, request):
    return {"text": f"{request.identity.id} {context.scope.organisation.id}"}


@page_view(
    context=Guestbook, name="broken", template="trial/plain.html", title=_("Broken"), permission=PUBLIC
)
def broken(context, request):
    raise RuntimeError("the secret of the server")


@page_view(
    context=Guestbook, name="framed", template="trial/plain.html", title=_("Framed"), permission=PUBLIC
)
def framed(context, request):
    allow(request, "frame-ancestors", "https://blog.example")
    allow(request, "form-action", "https://checkout.example")
    return {"text": "framed"}


@page_view(context=Site, name="enter", template="trial/enter.html", title=_("Enter"), permission=PUBLIC)
def enter(context, request):
    return {}


class EnterSchema(ApiSchema):
    token = fields.UUID(required=True)
    next = fields.String(load_default=None)


@page_view(
    context=Site,
    name="enter",
    method="POST",
    template="trial/enter.html",
    title=_("Enter"),
    permission=PUBLIC,
    form=EnterSchema,
    again=enter,
)
def entered(context, request):
    begin_session(request, str(request.validated["token"]), 3600)
    return redirect(request, path=local_path(request, request.validated["next"]))


@page_view(
    context=Site,
    name="leave",
    method="POST",
    template="trial/plain.html",
    title=_("Leave"),
    permission=PUBLIC,
)
def leave(context, request):
    end_session(request)
    return redirect(request, "guestbook")
