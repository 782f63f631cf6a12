"""API errors as problem+json (RFC 9457) with stable types, one sentence each."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import bad_request, server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

CONTENT_TYPE = "application/problem+json"

# exception -> (type, title); types are relative references, explained in docs/api.md
TYPES: tuple[tuple[type[Exception], str, str], ...] = (
    (exceptions.NotAuthenticated, "not-authenticated", "No valid token or session"),
    (exceptions.AuthenticationFailed, "not-authenticated", "No valid token or session"),
    (exceptions.PermissionDenied, "not-allowed", "Not allowed"),
    (exceptions.NotFound, "not-found", "Not found"),
    (exceptions.MethodNotAllowed, "method-not-allowed", "Method not allowed"),
    (exceptions.ValidationError, "invalid", "The request is not valid"),
    (exceptions.ParseError, "unreadable", "The request cannot be read"),
    (exceptions.UnsupportedMediaType, "unsupported-media-type", "Unsupported media type"),
    (exceptions.NotAcceptable, "not-acceptable", "No such representation"),
    (exceptions.Throttled, "too-many-requests", "Too many requests"),
)


class Conflict(exceptions.APIException):
    """409: the state of the estate forbids it. `code` becomes the problem's type."""

    status_code = 409
    default_code = "conflict"
    default_detail = "The state of things forbids it."


class Locked(exceptions.APIException):
    """423: another drill, maintenance or Run has it; it is free when that ends (facts/drills-and-evidence.md 4.4)."""

    status_code = 423
    default_code = "locked"
    default_detail = "Another run has it"


class ChangePrevents(Conflict):
    """409: the change that it belongs to does not allow it, or one is wanted and none is named."""

    default_code = "change_prevents"
    default_detail = "The change does not allow it"


class InProgress(Conflict):
    """409: the same is being done already. wait: seconds after which it is worth asking again."""

    default_code = "in_progress"
    default_detail = "The same is under way"

    def __init__(self, detail: str, wait: float) -> None:
        super().__init__(detail)
        self.wait = max(1, math.ceil(wait))


class SystemFailed(exceptions.APIException):
    """424: another system, which this depends on, refuses or does not answer."""

    status_code = 424
    default_code = "other_system_failed"
    default_detail = "Another system failed"


class TooLarge(exceptions.APIException):
    """413: the body is larger than is taken."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The request is too large"


class PreconditionFailed(exceptions.APIException):
    """412: what was read is no longer what is."""

    status_code = 412
    default_code = "precondition_failed"
    default_detail = "It was edited meanwhile"


class PreconditionRequired(exceptions.APIException):
    """428: an edit says which version it is of."""

    status_code = 428
    default_code = "precondition_required"
    default_detail = "If-Match is missing"


class KeyReused(exceptions.APIException):
    """422: the same Idempotency-Key with another body."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "The Idempotency-Key means something else"


class Unprocessable(exceptions.APIException):
    """422: well-formed, and still not acceptable."""

    status_code = 422
    default_code = "unprocessable"
    default_detail = "The request cannot be carried out."


def problem(kind: str, title: str, status: int, detail: str, **extra: Any) -> dict[str, Any]:
    """The body of one problem."""
    return {"type": f"/api/problems/{kind}", "title": title, "status": status, "detail": detail, **extra}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: known errors become problems; an unknown one is left to Django's 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound("No such object, or not visible to you.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    kind, title = _kind(error)
    extra: dict[str, Any] = {}
    if isinstance(error, exceptions.ValidationError):
        extra["errors"] = error.detail
        detail = "One or more fields are not valid: see errors."
    else:
        detail = str(error.detail)
    extra |= _id(context.get("request"))
    response = Response(
        problem(kind, title, error.status_code, detail, **extra), status=error.status_code, content_type=CONTENT_TYPE
    )
    for header, value in (("WWW-Authenticate", "auth_header"), ("Retry-After", "wait")):
        if getattr(error, value, None):
            response[header] = str(getattr(error, value))
    return response


def _kind(error: exceptions.APIException) -> tuple[str, str]:
    for kind, name, title in TYPES:
        if isinstance(error, kind):
            return name, title
    return error.default_code.replace("_", "-"), str(error.default_detail).rstrip(".")


@csrf_exempt  # a program that mistypes an address has no form: it is told so, and not sent a page about cookies
def not_found(request: HttpRequest, rest: str = "") -> JsonResponse:
    """What an unknown path under /api/ answers."""
    body = problem(
        "not-found", "Not found", 404, f"There is nothing at {request.path}. The schema is at /api/v1/schema/."
    )
    return JsonResponse(body, status=404, content_type=CONTENT_TYPE)


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The portal's 400 for what is refused before any view: a problem under /api/, a page elsewhere. A strange Host
    header comes here before anybody knows who asks."""
    if request.path.startswith("/api/") and isinstance(exception, RequestDataTooBig):
        words = f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."
        body = problem("too-large", "The request is too large", 413, words, **_id(request))
        return JsonResponse(body, status=413, content_type=CONTENT_TYPE)
    if request.path.startswith("/api/"):
        words = "The address, the Host header or the form cannot be read."
        body = problem("unreadable", "The request cannot be read", 400, words, **_id(request))
        return JsonResponse(body, status=400, content_type=CONTENT_TYPE)
    if not hasattr(request, "user"):
        request.user = AnonymousUser()
    return bad_request(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """The portal's 500: a problem under /api/, a page elsewhere."""
    if not request.path.startswith("/api/"):
        return server_error(request)
    words = "The portal failed to answer. Give an administrator the request_id; a Run that was asked for may exist."
    body = problem("portal-failed", "The portal failed", 500, words, **_id(request))
    return JsonResponse(body, status=500, content_type=CONTENT_TYPE)


def _id(request: Any) -> dict[str, str]:
    name = getattr(request, "request_id", "")
    return {"request_id": name} if name else {}
