"""One Idempotency-Key means one thing: it is kept with the hash of what it was sent with. What came of it, the act
itself finds again, so a repeat gives the same resource; with another body it is refused. While one request with a key
is under way, another one is told to come again: of two that arrive at one moment only one acts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from portal.access.models import Idempotency
from portal.access.problems import InProgress, KeyReused, Unprocessable

HEADER = "Idempotency-Key"
LONGEST = 200  # characters
TAKES = timedelta(seconds=120)  # at most for one request; one whose process died holds its key as long
SOON = 2.0  # seconds after which the other request may have ended
KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Same key and body: the same resource; 409 while the first request is under way. Other body: 422.",
)


def key_of(request: Request) -> str:
    """The request's key, "" when it has none; it is the request's own until it is answered (`given_back`). To be called
    once the body was found valid. Raises Unprocessable, KeyReused, InProgress."""
    key = str(request.headers.get(HEADER, ""))
    if not key:
        return ""
    if len(key) > LONGEST or not key.isprintable():
        raise Unprocessable(f"The {HEADER} has {len(key)} characters; at most {LONGEST} printable ones are taken.")
    sha256 = _hash(request)
    row, mine = _kept(request, key, sha256)
    if row.sha256 != sha256:
        raise KeyReused(f"The {HEADER} {key!r} was sent with something else before: use a new key.")
    if not mine and not _taken(row):
        raise InProgress(f"A request with the {HEADER} {key!r} is under way: ask again in a moment.", SOON)
    request._request.idempotency = row.pk  # type: ignore[attr-defined]
    return key


def given_back(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: a key is free for a repeat once its request is answered, however it went."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        try:
            return answer(request)
        finally:
            if pk := getattr(request, "idempotency", None):
                Idempotency.objects.filter(pk=pk).update(taken_until=None)

    return middleware


def _kept(request: Request, key: str, sha256: str) -> tuple[Idempotency, bool]:
    """The key's row, and whether this request has made it."""
    assert request.user.pk is not None, "who is not known comes to no act"
    rows, now = Idempotency.objects.filter(person=request.user.pk, key=key), timezone.now()
    found = rows.first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            given = {"key": key, "sha256": sha256, "at": now, "taken_until": now + TAKES}
            return Idempotency.objects.create(person_id=request.user.pk, **given), True
    except IntegrityError:  # two at one moment
        return rows.get(), False


def _taken(row: Idempotency) -> bool:
    """Takes the key unless another request has it. A clock that went back holds nobody up."""
    now = timezone.now()
    free = Q(taken_until=None) | Q(taken_until__lte=now) | Q(taken_until__gt=now + TAKES)
    return Idempotency.objects.filter(free, pk=row.pk).update(taken_until=now + TAKES) == 1


def _hash(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    words = "\n".join((str(request.method), request.path, body))
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
