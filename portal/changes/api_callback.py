"""Where change systems call: signed, counted, kept, never believed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.address import client_address
from portal.access.problems import CONTENT_TYPE, TooLarge, problem
from portal.access.throttling import count, rest_of_minute
from portal.changes.models import Callback, ChangeSystem
from portal.changes.services.calling import Came, receive
from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER

V = Callback.Verdict
LONGEST = 64 * 1024  # bytes of a body
# verdict -> status, type, title
ANSWERS = {
    V.UNSIGNED: (401, "callback-unsigned", "The call is not signed"),
    V.FORGED: (401, "callback-forged", "The signature does not fit"),
    V.STALE: (401, "callback-stale", "The call is too old"),
    V.MALFORMED: (400, "callback-malformed", "The call cannot be read"),
    V.REPLAYED: (409, "callback-replayed", "The call came before"),
    V.OUTDATED: (409, "callback-outdated", "A newer call came before"),
}


class Signed(BasePermission):
    """The signature takes the place of a token: whoever has the key may report the state of a change, and nothing
    else."""

    needs = ("change.notify", "change.notify")

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Everybody may knock."""
        return True


class Taken(serializers.Serializer[Any]):
    """What a call was taken for. Nothing that it says is believed: the change is read back."""

    verdict = serializers.ChoiceField([V.ACCEPTED, V.UNKNOWN_CHANGE])
    sentence = serializers.CharField()


HEADERS = [
    OpenApiParameter(TIMESTAMP_HEADER, str, OpenApiParameter.HEADER, required=True, description="Unix seconds."),
    OpenApiParameter(
        SIGNATURE_HEADER,
        str,
        OpenApiParameter.HEADER,
        required=True,
        description='v1=<hex HMAC-SHA256 over timestamp + "." + body>; two with a comma between while keys change.',
    ),
]


class CallbackView(APIView):
    """POST /api/v1/changes/callback/<system>/"""

    authentication_classes = ()
    permission_classes = (Signed,)
    throttle_classes = ()
    parser_classes = ()

    @extend_schema(
        operation_id="changes_callback",
        auth=[],
        parameters=HEADERS,
        request={"application/json": OpenApiTypes.OBJECT},
        responses={202: Taken, **{code: OpenApiResponse(description="See docs/api.md.") for code in (400, 401, 409)}},
    )
    def post(self, request: Request, system: str) -> Response:
        """A change system says that a change is another one now. It causes a read-back and nothing else: at least once,
        out of order, late or doubled are all the same. The body names the change: number, key or sys_id; sequence."""
        address = client_address(request._request)
        row = ChangeSystem.objects.filter(name=system, enabled=True).first()
        # names that nobody has are one: whoever knocks without a key must not fill the memory of the counts
        if not count("callback", f"{row.name if row else ''}:{address}", settings.HOLDFAST_CALLBACKS):
            raise exceptions.Throttled(wait=rest_of_minute())
        if row is None:
            raise Http404
        taken = receive(row, Came(_body(request), request.headers, address), timezone.now())
        if taken.verdict in ANSWERS:
            code, kind, title = ANSWERS[V(taken.verdict)]
            headers = {"WWW-Authenticate": 'HMAC realm="holdfast"'} if code == 401 else {}
            return Response(
                problem(kind, title, code, taken.sentence), status=code, content_type=CONTENT_TYPE, headers=headers
            )
        return Response({"verdict": taken.verdict, "sentence": taken.sentence}, status=202)


def _body(request: Request) -> bytes:
    """As it came: the signature is over the bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not str(length).isdecimal() or int(length) > LONGEST:
        raise TooLarge(f"The body is larger than {LONGEST} bytes.")
    return bytes(request._request.body)
