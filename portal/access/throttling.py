"""How often somebody may ask the API: a count per minute and person, or per address where nobody is known, over all
processes of the portal. Who asks more is told when to come back; nothing is queued."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portal.access import counting
from portal.access.address import client_address

if TYPE_CHECKING:  # DRF loads this module while its own views are being loaded
    from rest_framework.views import APIView

MINUTE = 60


class PerMinute(BaseThrottle):
    """HOLDFAST_API_READS and HOLDFAST_API_WRITES a minute."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Counts the request."""
        reads = request.method in SAFE_METHODS
        most = settings.HOLDFAST_API_READS if reads else settings.HOLDFAST_API_WRITES
        return count("read" if reads else "write", ident(request), most)

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return rest_of_minute()


def ident(request: Request) -> str:
    """Who is counted."""
    if request.user is not None and request.user.is_authenticated:
        return f"person:{request.user.pk}"
    return f"address:{client_address(request._request)}"


def count(kind: str, who: str, most: int) -> bool:
    """Counts one more this minute; False when it is one too many."""
    return counting.count(f"api:{kind}:{who}:{int(time.time()) // MINUTE}", 2 * MINUTE) <= most


def rest_of_minute() -> float:
    """Whole seconds, at least one."""
    return float(max(1, math.ceil(MINUTE - time.time() % MINUTE)))
