"""Admission to the API: bearer tokens or a session, and one permission class per act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.exceptions import PermissionDenied as Refused
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from portal.access.admission import first_in_a_while, name_of, refusal, trace
from portal.access.models import Token
from portal.access.roles import words
from portal.access.services import TokenRefused, admit, may
from portal.evidence import services as evidence

if TYPE_CHECKING:  # DRF loads this module while its own views are being loaded
    from rest_framework.views import APIView

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which itself imports this module, by the settings

KEYWORD = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer hf_...`. request.user is the owner, request.auth the Token."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """None when the header is missing or of another kind; raises AuthenticationFailed with a sentence."""
        parts = get_authorization_header(request).decode("latin-1").split()
        if not parts or parts[0].lower() != KEYWORD.lower():
            return None
        try:
            token = admit(parts[1] if len(parts) == 2 else "")
        except TokenRefused as refused:
            _record(request, refused)
            raise AuthenticationFailed(str(refused)) from None
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        """What WWW-Authenticate says."""
        return f'{KEYWORD} realm="holdfast"'


def Needs(act: str, write: str = "") -> type[BasePermission]:
    """A class for `permission_classes`: `act` to read, `write` (or `act`) to change. A refusal is recorded."""
    words(act)
    words(write or act)

    class Needed(BasePermission):
        needs = (act, write or act)

        def has_permission(self, request: Request, view: APIView) -> bool:
            if not request.user.is_authenticated:
                return False
            wanted = act if request.method in SAFE_METHODS else write or act
            token = request.auth if isinstance(request.auth, Token) else None
            if may(request.user, wanted, token):
                return True
            raise Refused(str(refusal(request._request, wanted, token)))

    return Needed


def actor(request: Request) -> str:
    """The actor's name in the evidence for an API request."""
    return name_of(request.user, request.auth if isinstance(request.auth, Token) else None)


def _record(request: Request, refused: TokenRefused) -> None:
    where = trace(request._request)
    known = refused.known
    if not first_in_a_while("token", str(where["address"]), known.prefix if known else ""):
        return
    name = f"token:{known.name} of {known.owner.username}" if known else "anonymous"
    subject = f"person:{known.owner.username}" if known else "token:unknown"
    evidence.append(
        "access.token_refused", name, subject, {"reason": str(refused), "path": request.path[:300], **where}
    )
