"""A WebTest client that compares every response with the API's description, and checks every page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from pyramid.request import Request, apply_request_extensions
from pyramid.router import Router
from pyramid.traversal import traversal_path_info
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from webtest import TestApp
from webtest.response import TestResponse

from autonomy_core.errors import Malformed, OrganisationUnavailable
from autonomy_core.openapi.document import Description
from autonomy_core.pages.answering import HTML
from autonomy_core.testing.browser import Browser
from autonomy_core.testing.html import misfits_of_page
from autonomy_core.traversal.target import has_one_spelling
from autonomy_core.web.problems import CONTENT_TYPE

UNCHECKED = {"autonomy.unchecked": True}
"""Pass it as ``extra_environ`` of a request with an intentionally wrong response."""

DOCUMENT = "urn:autonomy:openapi"
SHOWN_BYTES = 1000


class ConformingApp(TestApp):
    """Raises AssertionError for a response that the organisation's OpenAPI document does not describe.

    The status, the content type, the headers and the body must match. A path or a method that is missing in
    the document must be refused. Of a page, `misfits_of_page` must find nothing.
    """

    def __init__(self, app: Router) -> None:
        super().__init__(app)
        self._apis: dict[tuple[str, str], DescribedApi] = {}

    def do_request(self, req: Any, status: Any = None, expect_errors: Any = None) -> TestResponse:
        """Make the request as WebTest does, then check the response."""
        asked = Request(dict(req.environ))
        response = super().do_request(req, status=status, expect_errors=expect_errors)
        api = None if asked.environ.get("autonomy.unchecked") else self._api_of(asked)
        for misfit in misfits(api, asked, response) if api else ():
            raise AssertionError(_report(asked, response, misfit))
        is_page = response.headers.get("Content-Language") and response.content_type == HTML
        if is_page and response.body and (found := list(misfits_of_page(response))):
            raise AssertionError(_report_of_page(asked, response, found))
        return response

    def browser(self, origin: str) -> Browser:
        """Return a browser for the pages at an origin, such as ``https://acme.example``."""
        return Browser(self, origin)

    def _api_of(self, asked: Request) -> DescribedApi | None:
        asked.registry = self.app.registry
        apply_request_extensions(asked)
        try:
            organisation = asked.organisation
        except (Malformed, OrganisationUnavailable):
            return None
        segments = traversal_path_info(asked.environ["PATH_INFO"])
        if organisation is None or "api" not in segments[:2]:
            return None
        base = "/api/v1" if segments[0] == "api" else f"/{organisation.id}/api/v1"
        # The URL of the API is the only difference between organisations with the same plugins.
        description: Description = self.app.registry.describe_api(organisation.plugins, "/", "")
        key = (description.etag, base)
        if key not in self._apis:
            self._apis[key] = DescribedApi(description.document, base)
        return self._apis[key]


class DescribedApi:
    """An organisation's document, prepared for comparisons.

    Args:
        document: OpenAPI 3.1.
        base: the path of the API, to which the document's paths are relative.
    """

    def __init__(self, document: dict[str, Any], base: str) -> None:
        self.document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._schemas: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self._templates: dict[int, dict[tuple[str, ...], str]] = defaultdict(dict)
        for path, item in document["paths"].items():
            template = _segments(path if "servers" in item else base + path)
            self._templates[len(template)][template] = path

    def find(self, segments: tuple[str, ...]) -> str | None:
        """Return the path template of a path. A literal segment takes precedence over a parameter."""
        templates = self._templates[len(segments)]
        fitting = [template for template in templates if _fits(template, segments)]
        return templates[max(fitting, key=_literalness)] if fitting else None

    def errors(self, value: Any, *pointer: str) -> Iterator[str]:
        """Yield the differences between a value and the schema at a place in the document."""
        steps = "/".join(step.replace("~", "~0").replace("/", "~1") for step in pointer)
        validator = Draft202012Validator(
            {"$ref": f"{DOCUMENT}#/{quote(steps)}"},
            registry=self._schemas,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for error in validator.iter_errors(value):
            yield f"{error.json_path}: {error.message}"


def misfits(api: DescribedApi, asked: Request, response: TestResponse) -> Iterator[str]:
    """Yield the differences between a response and its description.

    Args:
        api: the API of the organisation.
        asked: the request, copied before the application handled it.
        response: the response.
    """
    segments = tuple(traversal_path_info(asked.environ["PATH_INFO"]))
    path = api.find(segments) if has_one_spelling(asked.environ) else None
    method = "get" if asked.method == "HEAD" else asked.method.lower()
    if path is None:
        yield from _unless(response.status_int >= 400, "the path is not in the document")
    elif method not in api.document["paths"][path]:
        yield from _wrong_method(api.document["paths"][path], response)
    else:
        yield from _unlike(api, ("paths", path, method), asked, response)
    if response.status_int >= 400 and response.content_type == CONTENT_TYPE and response.body:
        yield from api.errors(response.json, "components", "schemas", "Problem")


def _wrong_method(path_item: dict[str, Any], response: TestResponse) -> Iterator[str]:
    # Authentication is checked before the method, so an anonymous request is refused first.
    yield from _unless(response.status_int in {400, 401, 403, 404, 405}, "the method is not in the document")
    if response.status_int == 405:
        described = {method.upper() for method in path_item if method != "servers"}
        described |= {"HEAD"} if "GET" in described else set()
        allowed = set(response.headers.get("Allow", "").split(", "))
        yield from _unless(allowed == described, f"Allow should be {', '.join(sorted(described))}")


def _unlike(
    api: DescribedApi, pointer: tuple[str, ...], asked: Request, response: TestResponse
) -> Iterator[str]:
    operation = api.document["paths"][pointer[1]][pointer[2]]
    status = str(response.status_int)
    if status not in operation["responses"]:
        yield f"{status} is not among {', '.join(operation['responses'])}; is an error missing in errors=?"
        return
    described = operation["responses"][status]
    for name, header in described.get("headers", {}).items():
        yield from _unless(name in response.headers or not header.get("required"), f"{name} is missing")
    contents = described.get("content", {})
    if not contents:
        yield from _unless(not response.body, "there is a body")
    elif response.content_type not in contents:
        yield f"{response.content_type} is not among {', '.join(contents)}"
    elif asked.method != "HEAD" and response.content_type in {"application/json", CONTENT_TYPE}:
        where = (*pointer, "responses", status, "content", response.content_type, "schema")
        yield from api.errors(response.json, *where)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)


def _fits(template: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return all(
        expected == segment or expected.startswith("{")
        for expected, segment in zip(template, segments, strict=True)
    )


def _literalness(template: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(not segment.startswith("{") for segment in template)


def _unless(holds: bool, misfit: str) -> Iterator[str]:  # noqa: FBT001 - the condition is the point
    if not holds:
        yield misfit


def _report(asked: Request, response: TestResponse, misfit: str) -> str:
    return (
        f"{asked.method} {asked.path_qs} answered {response.status}, which the API's description does not "
        f"contain:\n  {misfit}\nThe answer: {response.body[:SHOWN_BYTES]!r}"
    )


def _report_of_page(asked: Request, response: TestResponse, found: Sequence[str]) -> str:
    lines = "\n  ".join(found)
    return f"{asked.method} {asked.path_qs} answered a page with mistakes:\n  {lines}\n{response.text}"
