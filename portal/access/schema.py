"""What the API's schema says of all calls alike: the portal's tokens, and the problems that any may answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's schema names it."""

    target_class = "portal.access.rest.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}


class TimeOfDay(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A time without a zone, such as a route's hours: the schema's format "time" would ask for one."""

    target_class = "rest_framework.fields.TimeField"

    def map_serializer_field(self, auto_schema: object, direction: str) -> dict[str, str]:
        """hh:mm, and seconds where somebody gives them."""
        return {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"}


PROBLEM = {
    "type": "object",
    "description": "RFC 9457; docs/api.md lists the types.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {},
    },
    "required": ["type", "title", "status", "detail"],
}
ALWAYS = {400: "Not readable or not valid", 401: "No valid token", 403: "Not allowed", 404: "Not found"}
ALWAYS |= {406: "No such form", 429: "Wait"}
WRITES = {409: "The state of things forbids it", 413: "Too large", 415: "Not JSON", 422: "Not to be carried out"}
WRITES |= {423: "Another run has it"}


def problems(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A postprocessing hook: what every call may answer beside what it is meant to (portal.access.problems)."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                _add(operation, _codes(path, method))
    return result


def _codes(path: str, method: str) -> dict[int, str]:
    codes = dict(ALWAYS)
    if method != "get":
        codes |= WRITES
    if method == "patch":
        codes |= {412: "Edited meanwhile", 428: "If-Match is missing"}
    if "{" in path and method == "get":
        codes[409] = "The state of things forbids it"
    return codes


def _add(operation: dict[str, Any], codes: dict[int, str]) -> None:
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for code, words in sorted(codes.items()):
        operation["responses"].setdefault(str(code), {"description": words, "content": body})
