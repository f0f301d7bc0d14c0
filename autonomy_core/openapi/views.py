"""``openapi.json`` and ``docs``: Swagger UI, served by this server without requests to other hosts."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.openapi.document import Description
from autonomy_core.traversal.resources import ApiV1
from autonomy_core.web.operations import PUBLIC, api_view
from autonomy_core.web.schemas import OpenQuery

# swagger-ui-bundle contains Swagger UI 4.15, which does not support OpenAPI 3.1. This package is used for
# its static files only.
SWAGGER_UI = "mkdocs_swagger_ui_tag:swagger-ui/"
OWN_ASSETS = f"{Path(__file__).with_name('static')}/"
PAGE = Template(Path(__file__).with_name("docs.html").read_text("utf-8"))
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASSET_SECONDS = 3600


@api_view(
    context=ApiV1,
    method="GET",
    name="openapi.json",
    summary="Get this document",
    permission=PUBLIC,
    query=OpenQuery,
    media={"application/json": "this document"},
    also={304: None},
    headers={"ETag": "for If-None-Match: the document changes with the organisation's plugins"},
)
def openapi_json(context: ApiV1, request: Request) -> Response:
    """The description of all calls of this organisation. Its server URL is the one of this request."""
    description: Description = request.registry.describe_api(
        context.organisation.plugins,
        request.resource_url(context).rstrip("/"),
        request.application_url,
        context.organisation.name,
    )
    # Not WebOb's conditional responses, which would answer a Range header with a part.
    if description.etag in request.if_none_match:
        return Response(status=304, content_type=None, etag=description.etag, cache_control="no-cache")
    return Response(
        description.body, content_type="application/json", etag=description.etag, cache_control="no-cache"
    )


@api_view(
    context=ApiV1,
    method="GET",
    summary="Go to the page that shows this document",
    permission=PUBLIC,
    query=OpenQuery,
    status=303,
    headers={"Location": "the address of the page"},
)
def start(context: ApiV1, request: Request) -> Response:
    """Redirects the root of the API to its documentation."""
    return Response(status=303, content_type=None, location=request.resource_url(context, "docs"))


@api_view(
    context=ApiV1,
    method="GET",
    name="docs",
    summary="Read this document in a browser",
    permission=PUBLIC,
    query=OpenQuery,
    media={"text/html": "a page that shows the document and tries its calls"},
)
def docs(context: ApiV1, request: Request) -> Response:
    """All files of the page come from this server."""
    addresses = {
        "title": f"{context.organisation.name} API",
        "description": request.resource_path(context, "openapi.json"),
        "swagger_css": request.static_path(f"{SWAGGER_UI}stylesheets/swagger-ui.css"),
        "swagger_js": request.static_path(f"{SWAGGER_UI}javascripts/swagger-ui-bundle.js"),
        "own_js": request.static_path(f"{OWN_ASSETS}docs.js"),
    }
    page = PAGE.substitute({name: html.escape(text) for name, text in addresses.items()})
    response = Response(page, content_type="text/html", charset="utf-8", cache_control="no-cache")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def add_assets(config: Configurator) -> None:
    """Serve the page's files under ``/static``, which is not allowed as an organisation's id."""
    for name, files in (("static/swagger-ui", SWAGGER_UI), ("static/docs", OWN_ASSETS)):
        config.add_static_view(name, files, cache_max_age=ASSET_SECONDS, request_method=("GET", "HEAD"))
