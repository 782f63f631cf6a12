"""ETag and If-Match of what can be edited: an edit names the version that it was made of (RFC 9110 13, RFC 6585 3)."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from portal.access.problems import PreconditionFailed, PreconditionRequired

MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag of what was read."
)


def tag_of(version: int) -> str:
    """The strong ETag of a version."""
    return f'"v{version}"'


def required_match(request: Request, version: int) -> None:
    """Passes when the request was made of this version. Raises PreconditionRequired (428), PreconditionFailed (412)."""
    given = str(request.headers.get("If-Match", "")).strip()
    if not given:
        raise PreconditionRequired("Send the ETag of what you read as If-Match. Nothing was saved.")
    tags = [one.strip() for one in given.split(",")]
    if "*" not in tags and tag_of(version) not in tags:
        raise PreconditionFailed(f"It is {tag_of(version)} now, not {given[:80]}: read it again. Nothing was saved.")
